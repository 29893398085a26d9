import { createSocket, type Socket } from "node:dgram";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { AF_INET, SOCK_DGRAM } from "../socket-constants.ts";
import { DATA, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, STRIDE } from "./epoll-event.ts";
import type { PollHandle } from "./koffi.ts";
import { type Libc, libc } from "./libc.ts";

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Turns of libuv until it has surely begun to watch a new socket; it does so in the first. */
const PATIENCE = 16;

/**
 * Lets libuv watch an epoll set, as `Libc.poll`, but without a callback of koffi's, which aborts the whole process if
 * the thread is being ended from outside: then JavaScript cannot be called any more.
 *
 * Here libuv calls nobody. The set stands in libuv's own epoll set beside a socket that Node watches, as if it were that
 * one: libuv wakes up, finds nothing in the socket, and goes on with its turn. An immediate that does not keep libuv awake
 * runs in every turn, and looks whether there is something in the set. What Node made, Node takes away with the thread.
 */
export class ThreadPoll implements PollHandle {
  readonly #libc: Libc = libc();
  readonly #epfd: number;
  readonly #sleeper = ownSleeper();
  readonly #event = new Int32Array(STRIDE);
  #callback: (() => void) | null = null;
  #immediate: NodeJS.Immediate | undefined;
  #entered = false;
  #patience = PATIENCE;
  #substitute: PollHandle | null = null;

  constructor(epfd: number, callback: () => void) {
    this.#epfd = epfd;
    this.start(callback);
  }

  start(callback: () => void): void {
    if (this.#substitute !== null) {
      this.#substitute.start(callback);
      return;
    }
    if (this.#callback === null) this.#sleeper.hold();
    this.#callback = callback;
    if (!this.#entered) this.#enter();
    this.#arm();
  }

  stop(): void {
    this.#substitute?.stop();
    if (this.#callback === null) return;
    this.#callback = null;
    clearImmediate(this.#immediate);
    this.#leave();
    this.#sleeper.release();
  }

  close(): void {
    this.stop();
    this.#substitute?.close();
  }

  /** Before the set is watched, libuv must not sleep. */
  #arm(): void {
    clearImmediate(this.#immediate);
    this.#immediate = setImmediate(this.#onTurn);
    if (this.#entered) this.#immediate.unref();
  }

  readonly #onTurn = (): void => {
    const callback = this.#callback;
    if (callback === null) return;
    if (!this.#entered && !this.#enter() && this.#patience-- === 0) {
      this.stop();
      this.#substitute = this.#libc.poll(this.#epfd, callback);
      return;
    }
    this.#arm();
    if (this.#libc.epoll_wait(this.#epfd, this.#event, 1, 0) > 0) callback();
  };

  #enter(): boolean {
    const { fd, backend } = this.#sleeper;
    if (backend === null) return false;
    this.#event.fill(0);
    this.#event[0] = EPOLLIN;
    this.#event[DATA] = fd;
    this.#entered = this.#libc.epoll_ctl(backend, EPOLL_CTL_ADD, this.#epfd, this.#event) === 0;
    return this.#entered;
  }

  #leave(): void {
    const { backend } = this.#sleeper;
    if (!this.#entered || backend === null) return;
    this.#entered = false;
    this.#libc.epoll_ctl(backend, EPOLL_CTL_DEL, this.#epfd, this.#event);
  }
}

/** The socket for whose sake libuv wakes up. Nobody can send it anything: it has no address. One for each thread. */
class Sleeper {
  /** -1 if the system has no such sockets. */
  readonly fd = libc().socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  readonly #socket: Socket | null = this.fd < 0 ? null : createSocket("udp4");
  #backend: number | null = null;
  #holders = 0;

  constructor() {
    // What could come, an error of the socket, changes nothing.
    this.#socket?.on("error", () => {}).bind({ fd: this.fd });
    this.#socket?.unref();
  }

  /** libuv's epoll set: the one in which the socket is. Null as long as it is in none. */
  get backend(): number | null {
    if (this.fd >= 0) this.#backend ??= epollSetWith(this.fd);
    return this.#backend;
  }

  /** The thread stays alive until {@link release}. */
  hold(): void {
    if (this.#holders++ === 0) this.#socket?.ref();
  }

  release(): void {
    if (--this.#holders === 0) this.#socket?.unref();
  }
}

let sleeper: Sleeper | undefined;

function ownSleeper(): Sleeper {
  sleeper ??= new Sleeper();
  return sleeper;
}

/** Node does not tell, but the kernel does. */
function epollSetWith(fd: number): number | null {
  try {
    const found = readdirSync("/proc/self/fd").find((entry) => isEpollSet(entry) && isMember(fd, entry));
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

/** Another thread may close it in this moment. */
function isEpollSet(entry: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${entry}`) === "anon_inode:[eventpoll]";
  } catch {
    return false;
  }
}

function isMember(fd: number, set: string): boolean {
  try {
    return new RegExp(`^tfd: +${fd} `, "m").test(readFileSync(`/proc/self/fdinfo/${set}`, "latin1"));
  } catch {
    return false;
  }
}
