import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { type OSError, ValueError } from "../../core/errors.ts";
import {
  DATA,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  STRIDE,
} from "./epoll-event.ts";
import { errnoError } from "./errno.ts";
import type { PollHandle } from "./koffi.ts";
import { type Libc, libc } from "./libc.ts";
import { ThreadPoll } from "./thread-poll.ts";

/** Bytes, a connection or an end can be read. Python: `selectors.EVENT_READ`. */
export const EVENT_READ = 1;
/** Bytes can be written, or a connection attempt is decided. Python: `selectors.EVENT_WRITE`. */
export const EVENT_WRITE = 2;

const { EBADF, EPERM } = constants.errno;

const EPOLL_CLOEXEC = 0o2000000;

/** Events per `select`. The rest comes with the next call: the kernel takes fds in turn. */
const BATCH = 1024;

/** `serial` tells the fd from an earlier one of the same number, of which an event may still be in the batch. */
interface Registration {
  events: number;
  readonly serial: number;
}

/**
 * Watches fds for readiness: level-triggered epoll, with a libuv watch to sleep on. Python: `selectors.EpollSelector`.
 *
 * An fd that hung up or failed is ready for all it is registered for. An fd must be unregistered before it is closed.
 */
export class EpollSelector {
  readonly #libc: Libc = libc();
  readonly #registrations = new Map<number, Registration>();
  readonly #event = new Int32Array(STRIDE);
  readonly #batch = new Int32Array(STRIDE * BATCH);
  #epfd: number;
  #serial = 0;
  #poll: PollHandle | undefined;
  #onReady: (() => void) | undefined;

  /** Throws OSError (EMFILE, ENFILE) if there are no file descriptors left. */
  constructor() {
    this.#epfd = this.#check(this.#libc.epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  }

  /** The fd of the epoll set; -1 after `close`. */
  fileno(): number {
    return this.#epfd;
  }

  /**
   * Watch `fd` for `events`: EVENT_READ, EVENT_WRITE or both. Throws ValueError if it is registered already, OSError
   * with code EBADF if it is closed, PermissionError (EPERM) if it is a regular file or a directory.
   */
  register(fd: number, events: number): void {
    checkEvents(events);
    if (this.#registrations.has(fd)) throw new ValueError(`fd ${fd} is registered already`);
    const registration = { events, serial: ++this.#serial | 0 };
    this.#control(EPOLL_CTL_ADD, fd, registration);
    this.#registrations.set(fd, registration);
  }

  /** Watch a registered fd for other events. Throws ValueError if it is not registered. */
  modify(fd: number, events: number): void {
    checkEvents(events);
    const registration = this.#registration(fd);
    if (registration.events === events) return;
    this.#control(EPOLL_CTL_MOD, fd, { ...registration, events });
    registration.events = events;
  }

  /** Stop watching `fd`; no event of it is reported any more. Throws ValueError if it is not registered. */
  unregister(fd: number): void {
    this.#registration(fd);
    this.#registrations.delete(fd);
    // Refused only if the fd was closed meanwhile, by which the kernel forgot it.
    this.#libc.epoll_ctl(this.#epfd, EPOLL_CTL_DEL, fd, this.#event);
  }

  /** What `fd` is registered for; 0 if it is not. */
  events(fd: number): number {
    return this.#registrations.get(fd)?.events ?? 0;
  }

  /**
   * Report every fd that is ready now, with the registered events that it is ready for, and give the number of
   * reports. Never waits. `report` may register and unregister; what it throws ends the batch, and the fds that are
   * left are reported by the next call.
   */
  select(report: (fd: number, events: number) => void): number {
    const batch = this.#batch;
    const count = this.#check(this.#libc.epoll_wait(this.#epfd, batch, BATCH, 0), "epoll_wait");
    let reports = 0;
    for (let i = 0; i < count * STRIDE; i += STRIDE) {
      const fd = batch[i + DATA]!;
      const registration = this.#registrations.get(fd);
      if (registration === undefined || registration.serial !== batch[i + DATA + 1]) continue;
      const events = registration.events & readiness(batch[i]!);
      if (events === 0) continue;
      reports++;
      report(fd, events);
    }
    return reports;
  }

  /**
   * Call `onReady` once in every turn of libuv in which a registered fd is ready, until `unwatch`. A watch keeps the
   * process alive. Promise callbacks do not run after `onReady`, so it must only schedule the work (`setImmediate`).
   * What it throws becomes an uncaught exception. A second `watch` replaces the first.
   *
   * In a worker it can be ended from outside at any moment (`worker.terminate()`, the end of the process): there a
   * ThreadPoll does this.
   */
  watch(onReady: () => void): void {
    if (this.#epfd < 0) throw this.#error(EBADF, "watch");
    this.#onReady = onReady;
    if (this.#poll === undefined) {
      this.#poll = isMainThread
        ? this.#libc.poll(this.#epfd, this.#ready)
        : new ThreadPoll(this.#epfd, this.#ready);
      if (!isMainThread) process.on("exit", this.#closePoll);
    } else {
      this.#poll.start(this.#ready);
    }
  }

  /** End the watch: no more `onReady`, and the process may exit. `watch` and `unwatch` cost about 4 µs together. */
  unwatch(): void {
    this.#poll?.stop();
    this.#onReady = undefined;
  }

  /** Release everything. The registered fds stay open. Closing twice is harmless. */
  close(): void {
    if (this.#epfd < 0) return;
    this.#closePoll();
    process.off("exit", this.#closePoll);
    this.#registrations.clear();
    this.#libc.close(this.#epfd);
    this.#epfd = -1;
  }

  /** libuv holds this function, and through it the selector and its PollHandle: a watch cannot be collected. */
  readonly #ready = () => {
    try {
      this.#onReady?.();
    } catch (error) {
      // koffi drops what a callback throws.
      setImmediate(() => {
        throw error;
      });
    }
  };

  /** Also before a worker exits: koffi would call back into JavaScript that cannot run any more, and abort. */
  readonly #closePoll = () => {
    this.#poll?.close();
    this.#poll = undefined;
  };

  [Symbol.dispose](): void {
    this.close();
  }

  #registration(fd: number): Registration {
    const registration = this.#registrations.get(fd);
    if (registration === undefined) throw new ValueError(`fd ${fd} is not registered`);
    return registration;
  }

  #control(operation: number, fd: number, { events, serial }: Registration): void {
    this.#event[0] = (events & EVENT_READ ? EPOLLIN : 0) | (events & EVENT_WRITE ? EPOLLOUT : 0);
    this.#event[DATA] = fd;
    this.#event[DATA + 1] = serial;
    const result = this.#libc.epoll_ctl(this.#epfd, operation, fd, this.#event);
    if (result === -EPERM) {
      throw errnoError(
        EPERM,
        "epoll_ctl",
        `fd ${fd} is a regular file or directory, which epoll cannot watch`,
      );
    }
    this.#check(result, "epoll_ctl", `fd ${fd}`);
  }

  #check(result: number, syscall: string, detail?: string): number {
    if (result < 0) throw this.#error(-result, syscall, detail);
    return result;
  }

  #error(errno: number, syscall: string, detail?: string): OSError {
    return errnoError(errno, syscall, this.#epfd < 0 ? "the selector is closed" : detail);
  }
}

/** As Python's selectors: whatever is not plain input makes it writable, whatever is not plain output readable. */
function readiness(event: number): number {
  return (event & ~EPOLLOUT ? EVENT_READ : 0) | (event & ~EPOLLIN ? EVENT_WRITE : 0);
}

function checkEvents(events: number): void {
  if (events >= 1 && events <= (EVENT_READ | EVENT_WRITE) && Number.isInteger(events)) return;
  throw new ValueError(`events must be EVENT_READ, EVENT_WRITE or both, not ${events}`);
}
