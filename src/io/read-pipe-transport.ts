import type { BaseEventLoop } from "../core/base-events.ts";
import { OSError, RuntimeError } from "../core/errors.ts";
import type { Obligation } from "../core/obligations.ts";
import type { PipeProtocol, ReadPipe } from "./pipes.ts";
import { ReadTransport } from "./transports.ts";
import { mustBeClosed } from "./unclosed.ts";

/**
 * The state of a transport for the reading end of a pipe, apart from the pipe. It ends with the stream, whatever
 * `eofReceived` says: there is nothing to keep it open for. An error that the protocol throws is reported, as that of
 * any callback, and the reading goes on. Python: `_UnixReadPipeTransport`.
 */
export abstract class ReadPipeTransport extends ReadTransport {
  /** @internal */
  protected readonly loop: BaseEventLoop;
  #closing = false;
  #paused = false;
  #lost = false;
  #protocol: PipeProtocol;
  /** In debug mode, once it has begun. */
  #closingOwed: Obligation | null = null;

  constructor(loop: BaseEventLoop, pipe: ReadPipe, protocol: PipeProtocol) {
    super();
    this.loop = loop;
    this.#protocol = protocol;
    this.extra.pipe = pipe;
  }

  /** Tell the protocol, then read, then `made`: each in its own callback, in this order. */
  begin(made: () => void): void {
    this.#closingOwed = mustBeClosed(this, "transport", this.loop);
    this.loop.callSoon(() => this.#protocol.connectionMade(this));
    this.loop.callSoon(() => {
      if (this.isReading()) this.startReading();
    });
    this.loop.callSoon(made);
  }

  protected abstract startReading(): void;
  protected abstract stopReading(): void;

  /** Give the pipe back to the system. */
  protected abstract closePipe(): void;

  override isClosing(): boolean {
    return this.#closing;
  }

  override isReading(): boolean {
    return !this.#paused && !this.#closing;
  }

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.#paused = true;
    this.stopReading();
  }

  override resumeReading(): void {
    if (this.#closing || !this.#paused) return;
    this.#paused = false;
    this.startReading();
  }

  override close(): void {
    if (!this.#closing) this.#end(null);
  }

  override getProtocol(): PipeProtocol {
    return this.#protocol;
  }

  override setProtocol(protocol: PipeProtocol): void {
    this.#protocol = protocol;
  }

  protected receive(data: Buffer): void {
    this.#protocol.dataReceived(data);
  }

  /** The writers are gone, and all that they wrote was received. */
  protected receiveEof(): void {
    if (this.#closing) return;
    this.loop.callSoon(() => this.#protocol.eofReceived());
    this.#end(null);
  }

  /** EIO is how a terminal says that its other side is gone. */
  protected fail(exception: unknown): void {
    const message = "Fatal read error on pipe transport";
    if (!(exception instanceof OSError && exception.code === "EIO")) {
      const protocol = this.#protocol;
      this.loop.callExceptionHandler({ message, exception, transport: this, protocol });
    }
    this.#end(exception instanceof Error ? exception : new RuntimeError(message, { cause: exception }));
  }

  #end(error: Error | null): void {
    if (this.#closing) return;
    this.#closing = true;
    this.stopReading();
    this.#closingOwed?.settle();
    this.loop.callSoon(() => this.#connectionLost(error));
  }

  #connectionLost(error: Error | null): void {
    this.#lost = true;
    try {
      this.#protocol.connectionLost(error);
    } finally {
      this.closePipe();
    }
  }

  protected get stateName(): string {
    if (this.#lost) return "closed";
    return this.#closing ? "closing" : "open";
  }
}
