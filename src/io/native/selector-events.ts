import { inspect } from "node:util";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { RuntimeError, ValueError } from "../../core/errors.ts";
import { type Callback, type Handle, RecurringHandle } from "../../core/handles.ts";
import type { FileDescriptor } from "../backend.ts";
import type { Poller } from "../host.ts";
import { EpollSelector, EVENT_READ, EVENT_WRITE } from "./selector.ts";
import { noteClosed, noteOpen } from "./thread-files.ts";

/** Who is told that an fd is ready. At least one of the two is set as long as the fd is registered. */
interface Watchers {
  reader: Handle | null;
  writer: Handle | null;
  /** What the fd was named by first: known by itself after it was closed. */
  readonly file: FileDescriptor;
}

export type Direction = "reader" | "writer";

/** What has an fd that belongs to a transport or a server. */
interface Owned {
  fileno(): number;
  close(): void;
  /** Whether closing it closes the fd, and nobody else would: not so for what is lent, or may be shared. */
  readonly exclusive?: boolean;
}

const EVENT: Readonly<Record<Direction, number>> = { reader: EVENT_READ, writer: EVENT_WRITE };

/**
 * The loop's readers and writers: for each fd a callback for each direction, queued anew in every iteration in which
 * the fd is ready. Python: the half of `BaseSelectorEventLoop` that deals with the selector.
 */
export class SelectorEvents implements Poller {
  readonly #selector = new EpollSelector();
  readonly #watchers = new Map<number, Watchers>();
  readonly #owned = new Map<number, Owned>();
  #loop: BaseEventLoop | null = null;

  constructor() {
    noteOpen(this.#selector.fileno());
  }

  /** The loop that the callbacks belong to; it needs the poller first. */
  attach(loop: BaseEventLoop): void {
    this.#loop = loop;
  }

  get loop(): BaseEventLoop {
    if (this.#loop === null) throw new RuntimeError("the selector belongs to no loop yet");
    return this.#loop;
  }

  poll(): void {
    if (this.#watchers.size > 0) this.#selector.select(this.#queue);
  }

  watch(onReady: () => void): void {
    this.#selector.watch(onReady);
  }

  unwatch(): void {
    this.#selector.unwatch();
  }

  /** Close what is owned, and forget the rest. */
  close(): void {
    for (const sock of this.#owned.values()) {
      noteClosed(sock.fileno());
      sock.close();
    }
    this.#owned.clear();
    for (const { reader, writer } of this.#watchers.values()) {
      reader?.cancel();
      writer?.cancel();
    }
    this.#watchers.clear();
    noteClosed(this.#selector.fileno());
    this.#selector.close();
  }

  /** Call `callback(...args)` whenever `fd` is ready for it, instead of an earlier callback, which is cancelled. */
  add(
    direction: Direction,
    fd: number,
    callback: Callback,
    args: readonly unknown[] = [],
    file: FileDescriptor = fd,
  ): Handle {
    const handle = new RecurringHandle(callback, args, this.loop);
    this.addHandle(direction, fd, handle, file);
    return handle;
  }

  /** As {@link add}, for who has made the handle himself. */
  addHandle(direction: Direction, fd: number, handle: Handle, file: FileDescriptor = fd): void {
    const watchers = this.#watchers.get(fd);
    if (watchers === undefined) {
      this.#selector.register(fd, EVENT[direction]);
      this.#watchers.set(fd, { reader: null, writer: null, file, [direction]: handle });
    } else if (watchers[direction] !== handle) {
      watchers[direction]?.cancel();
      watchers[direction] = handle;
      this.#modify(fd, watchers);
    }
  }

  /** As {@link add}, for what a user names. Throws as {@link userFd}. */
  addFile(direction: Direction, file: FileDescriptor, callback: Callback, args: readonly unknown[]): void {
    this.add(direction, this.userFd(file), callback, args, file);
  }

  /** As {@link remove}, for what a user names, which may have been closed since. Throws as {@link userFd}. */
  removeFile(direction: Direction, file: FileDescriptor): boolean {
    return this.remove(direction, this.#fdOnceOf(file) ?? this.userFd(file));
  }

  /** The number that a watched file had before it was closed. */
  #fdOnceOf(file: FileDescriptor): number | undefined {
    if (typeof file !== "object" || file?.fileno?.() !== -1) return undefined;
    for (const [fd, watchers] of this.#watchers) if (watchers.file === file) return fd;
    return undefined;
  }

  #forget(fd: number): void {
    const watchers = this.#watchers.get(fd);
    if (watchers === undefined) return;
    watchers.reader?.cancel();
    watchers.writer?.cancel();
    this.#watchers.delete(fd);
    this.#selector.unregister(fd);
  }

  /** Stop that; false if there was nothing. A callback that is queued already does not run any more. */
  remove(direction: Direction, fd: number): boolean {
    const watchers = this.#watchers.get(fd);
    const handle = watchers?.[direction];
    if (!watchers || !handle) return false;
    handle.cancel();
    watchers[direction] = null;
    if (watchers.reader === null && watchers.writer === null) {
      this.#forget(fd);
    } else {
      this.#modify(fd, watchers);
    }
    return true;
  }

  /** Throws OSError if the fd was closed behind our back; then it is no longer watched at all. */
  #modify(fd: number, watchers: Watchers): void {
    try {
      this.#selector.modify(fd, eventsOf(watchers));
    } catch (error) {
      this.#forget(fd);
      throw error;
    }
  }

  /** The fd of `sock` belongs to a transport or a server from now on: nobody else may watch it, and it is closed with the loop. */
  own(sock: Owned): void {
    // Who watched a file of this number and closed it, unsaid, must not be in the way of this one.
    this.#forget(sock.fileno());
    this.#owned.set(sock.fileno(), sock);
    if (sock.exclusive) noteOpen(sock.fileno());
  }

  /** Stop watching what is owned, and close it. */
  closeOwned(sock: Owned): void {
    const fd = sock.fileno();
    this.#forget(fd);
    this.#owned.delete(fd);
    noteClosed(fd);
    sock.close();
  }

  /** The number of an fd that a user names. Throws ValueError for what is none, RuntimeError if a transport has it. */
  userFd(fd: FileDescriptor): number {
    const number = typeof fd === "number" ? fd : fd?.fileno?.();
    if (!Number.isInteger(number) || number < 0) {
      throw new ValueError(
        `an open file descriptor was expected, or an object with fileno(), not ${inspect(fd)}`,
      );
    }
    if (this.#owned.has(number)) {
      throw new RuntimeError(`File descriptor ${number} is used by a transport`);
    }
    return number;
  }

  readonly #queue = (fd: number, events: number): void => {
    const watchers = this.#watchers.get(fd);
    if (watchers === undefined) return;
    if (events & EVENT_READ && watchers.reader !== null) this.loop.enqueue(watchers.reader);
    if (events & EVENT_WRITE && watchers.writer !== null) this.loop.enqueue(watchers.writer);
  };
}

function eventsOf({ reader, writer }: Watchers): number {
  return (reader === null ? 0 : EVENT_READ) | (writer === null ? 0 : EVENT_WRITE);
}
