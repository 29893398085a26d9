import type { BaseEventLoop } from "../core/base-events.ts";
import { LOG_THRESHOLD_FOR_CONNLOST_WRITES } from "../core/constants.ts";
import { isFatal, OSError, osError, RuntimeError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Obligation } from "../core/obligations.ts";
import type { WritePipe } from "./pipes.ts";
import type { BaseProtocol } from "./protocols.ts";
import { type BytesLike, toBytes, WriteTransport } from "./transports.ts";
import { mustBeClosed } from "./unclosed.ts";
import { Watermarks } from "./watermarks.ts";

/**
 * The state of a transport for the writing end of a pipe, apart from the pipe. To end the stream is to close it.
 * Python: `_UnixWritePipeTransport`.
 */
export abstract class WritePipeTransport extends WriteTransport {
  /** @internal */
  protected readonly loop: BaseEventLoop;
  #closing = false;
  /** `connectionLost` was called or queued. */
  #ended = false;
  #droppedWrites = 0;
  #protocol: BaseProtocol;
  readonly #marks = new Watermarks(
    () => this.#callProtocol("pauseWriting"),
    () => this.#callProtocol("resumeWriting"),
  );
  /** In debug mode, once it has begun. */
  #closingOwed: Obligation | null = null;

  constructor(loop: BaseEventLoop, pipe: WritePipe, protocol: BaseProtocol) {
    super();
    this.loop = loop;
    this.#protocol = protocol;
    this.extra.pipe = pipe;
  }

  /** Tell the protocol, then look out for the reader's end, then `made`: each in its own callback, in this order. */
  begin(made: () => void): void {
    this.#closingOwed = mustBeClosed(this, "transport", this.loop);
    this.loop.callSoon(() => this.#protocol.connectionMade(this));
    this.loop.callSoon(() => {
      if (!this.#closing) this.watchReader();
    });
    this.loop.callSoon(made);
  }

  /** Call {@link readerGone} when nobody can read any more, if that can be known before a write. */
  protected abstract watchReader(): void;

  /** Send or buffer; `chunks` are not none, nor is any of them empty. */
  protected abstract send(chunks: Uint8Array[]): void;

  /** Send nothing more, watch nothing more; drop what is buffered. */
  protected abstract stop(): void;

  /** Give the pipe back to the system. */
  protected abstract closePipe(): void;

  override isClosing(): boolean {
    return this.#closing;
  }

  override canWriteEof(): boolean {
    return true;
  }

  override getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  override setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol;
  }

  override getWriteBufferLimits(): [low: number, high: number] {
    return this.#marks.limits;
  }

  override setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#marks.setLimits(limits);
    this.#marks.pauseIfAboveHigh(this.getWriteBufferSize());
  }

  override write(data: BytesLike): void {
    this.writelines([data]);
  }

  override writelines(chunks: Iterable<BytesLike>): void {
    const bytes = Array.from(chunks, toBytes).filter(({ byteLength }) => byteLength > 0);
    if (bytes.length === 0 || !this.#mayWrite()) return;
    this.send(bytes);
    if (!this.#ended) this.#marks.pauseIfAboveHigh(this.getWriteBufferSize());
  }

  override writeEof(): void {
    this.close();
  }

  override close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.getWriteBufferSize() === 0) this.#end(null);
  }

  override abort(): void {
    this.#end(null);
  }

  /** Some of the buffer was sent. */
  protected sentSome(): void {
    this.#marks.resumeIfBelowLow(this.getWriteBufferSize());
    if (this.#closing && this.getWriteBufferSize() === 0) this.#end(null);
  }

  /** Nobody can read any more. */
  protected readerGone(): void {
    const lost = this.getWriteBufferSize() > 0;
    this.#end(lost ? osError("EPIPE", "the reader was closed before all was sent") : null);
  }

  /** The system's errors go to `connectionLost` alone; others are reported. */
  protected fail(exception: unknown): void {
    const message = "Fatal write error on pipe transport";
    if (!(exception instanceof OSError)) this.#report(message, exception);
    this.#end(exception instanceof Error ? exception : new RuntimeError(message, { cause: exception }));
  }

  #end(error: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing = true;
    this.stop();
    this.#closingOwed?.settle();
    this.loop.callSoon(() => this.#connectionLost(error));
  }

  #connectionLost(error: Error | null): void {
    try {
      this.#protocol.connectionLost(error);
    } finally {
      this.closePipe();
    }
  }

  #mayWrite(): boolean {
    if (!this.#closing) return true;
    if (this.#droppedWrites >= LOG_THRESHOLD_FOR_CONNLOST_WRITES) {
      logger.warn(`write() on a closed pipe: ${this}`);
    }
    this.#droppedWrites++;
    return false;
  }

  #callProtocol(method: "pauseWriting" | "resumeWriting"): void {
    try {
      this.#protocol[method]();
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      this.#report(`protocol.${method}() failed`, exception);
    }
  }

  #report(message: string, exception: unknown): void {
    this.loop.callExceptionHandler({ message, exception, transport: this, protocol: this.#protocol });
  }

  protected get stateName(): string {
    if (this.#ended) return "closed";
    return this.#closing ? "closing" : "open";
  }
}
