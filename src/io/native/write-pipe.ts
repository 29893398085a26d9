import { fstatSync } from "node:fs";
import { constants } from "node:os";
import type { FileDescriptor } from "../backend.ts";
import type { BaseProtocol } from "../protocols.ts";
import { WritePipeTransport } from "../write-pipe-transport.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";
import { PipeEnd } from "./pipe-end.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { WriteBuffer } from "./write-buffer.ts";

const { EAGAIN, EINTR } = constants.errno;

/** A transport for the writing end of a pipe, which belongs to it from now on. */
export class NativeWritePipe extends WritePipeTransport {
  readonly #libc = libc();
  readonly #events: SelectorEvents;
  readonly #end: PipeEnd;
  readonly #fd: number;
  readonly #buffer = new WriteBuffer();

  /** Throws RuntimeError if a transport has the fd, OSError if it is closed. */
  constructor(events: SelectorEvents, pipe: FileDescriptor, protocol: BaseProtocol) {
    super(events.loop, pipe, protocol);
    this.#events = events;
    this.#fd = events.userFd(pipe);
    this.#end = new PipeEnd(pipe, this.#fd);
    events.own(this.#end);
  }

  override getWriteBufferSize(): number {
    return this.#buffer.size;
  }

  /**
   * The writing end of a pipe becomes "readable" when the last reader closes; that of a socket also by bytes, as in
   * CPython. Devices have other things to read.
   */
  protected override watchReader(): void {
    if (fstatSync(this.#fd).isCharacterDevice()) return;
    this.#events.add("reader", this.#fd, () => this.readerGone());
  }

  protected override send(chunks: Uint8Array[]): void {
    const wasEmpty = this.#buffer.size === 0;
    for (const chunk of chunks) this.#buffer.push(chunk);
    if (!wasEmpty || !this.#flush() || this.#buffer.size === 0) return;
    this.#events.add("writer", this.#fd, this.#onWritable);
  }

  readonly #onWritable = (): void => {
    if (!this.#flush()) return;
    if (this.#buffer.size === 0) this.#events.remove("writer", this.#fd);
    this.sentSome();
  };

  /** Returns false if the pipe is broken. */
  #flush(): boolean {
    const sent = this.#libc.writev(this.#fd, this.#buffer.head());
    if (sent >= 0) this.#buffer.consume(sent);
    else if (sent !== -EAGAIN && sent !== -EINTR) {
      this.fail(errnoError(-sent, "write"));
      return false;
    }
    return true;
  }

  protected override stop(): void {
    this.#buffer.clear();
    this.#events.remove("writer", this.#fd);
    this.#events.remove("reader", this.#fd);
  }

  protected override closePipe(): void {
    this.#events.closeOwned(this.#end);
  }

  override toString(): string {
    return `<WritePipeTransport ${this.stateName} fd=${this.#fd} buffered=${this.#buffer.size}>`;
  }
}
