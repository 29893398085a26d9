import { constants } from "node:os";
import { PermissionError } from "../../core/errors.ts";
import type { Handle } from "../../core/handles.ts";
import type { FileDescriptor } from "../backend.ts";
import type { PipeProtocol } from "../pipes.ts";
import { ReadPipeTransport } from "../read-pipe-transport.ts";
import { errnoError } from "./errno.ts";
import { PipeEnd } from "./pipe-end.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { readIntoSlab } from "./slab.ts";

const { EAGAIN, EINTR } = constants.errno;

/** A transport for the reading end of a pipe, which belongs to it from now on. */
export class NativeReadPipe extends ReadPipeTransport {
  readonly #events: SelectorEvents;
  readonly #end: PipeEnd;
  readonly #fd: number;
  /** The next read of what cannot be watched. */
  #next: Handle | null = null;

  /** Throws RuntimeError if a transport has the fd, OSError if it is closed. */
  constructor(events: SelectorEvents, pipe: FileDescriptor, protocol: PipeProtocol) {
    super(events.loop, pipe, protocol);
    this.#events = events;
    this.#fd = events.userFd(pipe);
    this.#end = new PipeEnd(pipe, this.#fd);
    events.own(this.#end);
  }

  protected override startReading(): void {
    try {
      this.#events.add("reader", this.#fd, this.#onReadable);
    } catch (error) {
      if (!(error instanceof PermissionError)) throw error;
      this.#next = this.loop.callSoon(this.#onDevice);
    }
  }

  /** A device that never has to wait, such as /dev/null, cannot be watched: it is read until its end, a piece in an iteration. */
  readonly #onDevice = (): void => {
    try {
      this.#onReadable();
    } finally {
      if (this.isReading()) this.startReading();
    }
  };

  protected override stopReading(): void {
    this.#next?.cancel();
    this.#events.remove("reader", this.#fd);
  }

  readonly #onReadable = (): void => {
    const data = readIntoSlab("read", this.#fd);
    if (typeof data !== "number") this.receive(data);
    else if (data === 0) this.receiveEof();
    else if (data !== -EAGAIN && data !== -EINTR) this.fail(errnoError(-data, "read"));
  };

  protected override closePipe(): void {
    this.#events.closeOwned(this.#end);
  }

  override toString(): string {
    return `<ReadPipeTransport ${this.stateName} fd=${this.#fd}>`;
  }
}
