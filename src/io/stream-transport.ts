import type { BaseEventLoop } from "../core/base-events.ts";
import { LOG_THRESHOLD_FOR_CONNLOST_WRITES } from "../core/constants.ts";
import { isFatal, OSError, osError, RuntimeError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Obligation } from "../core/obligations.ts";
import type { Task } from "../core/tasks.ts";
import type { Waiting } from "./backend.ts";
import { Waiters } from "./flow-control.ts";
import { BufferedProtocol, type StreamProtocol } from "./protocols.ts";
import type { Server } from "./server.ts";
import { type BytesLike, type ExtraInfo, Transport, toBytes } from "./transports.ts";
import { mustBeClosed } from "./unclosed.ts";
import { Watermarks } from "./watermarks.ts";

/** The state of a transport, apart from its socket, which both backends share. */
export abstract class StreamTransport extends Transport {
  /** @internal */
  protected readonly loop: BaseEventLoop;
  protected closing = false;
  protected paused = false;
  protected eofWritten = false;
  /** Above 0 the connection is lost: `connectionLost` was called or queued. It counts the writes since. */
  protected lost = 0;
  #protocol: StreamProtocol;
  /** Made when something is buffered: most connections never have more to send than the system takes. */
  #marks: Watermarks | null = null;
  #server: Server | null;
  /** In debug mode, once it has begun. */
  #closingOwed: Obligation | null = null;
  #lostWith: Error | null = null;
  #sendingFile = false;
  /** Who sends a file waits there for the kernel to take more. */
  #room: Waiters | null = null;

  constructor(
    loop: BaseEventLoop,
    protocol: StreamProtocol,
    server: Server | null,
    extra?: Partial<ExtraInfo>,
  ) {
    super(extra);
    this.loop = loop;
    this.#protocol = protocol;
    this.#server = server;
  }

  get #watermarks(): Watermarks {
    this.#marks ??= this.makeMarks(
      () => this.callProtocol("pauseWriting", () => this.#protocol.pauseWriting()),
      () => this.callProtocol("resumeWriting", () => this.#protocol.resumeWriting()),
    );
    return this.#marks;
  }

  /** The marks of the write buffer. */
  protected makeMarks(pause: () => void, resume: () => void): Watermarks {
    return new Watermarks(pause, resume);
  }

  /** Tell the protocol, unless it has a connection already, then read, then `made`: each in its own callback, in this order. */
  begin(made: () => void = () => {}, tell = true): void {
    this.#server?.attach(this);
    this.#closingOwed = mustBeClosed(this, "transport", this.loop);
    if (tell) this.loop.callSoon(() => this.#protocol.connectionMade(this));
    this.loop.callSoon(() => this.startReading());
    this.loop.callSoon(made);
  }

  /** The program has this in place of `predecessor`, on which it stands: the server counts this one, and this must be closed. */
  takeOver(predecessor: StreamTransport): void {
    Object.assign(this.extra, { ...predecessor.extra, ...this.extra });
    this.#server = predecessor.#server;
    this.#server?.attach(this);
    this.#server?.detach(predecessor);
    predecessor.#closingOwed?.settle();
  }

  /** Such a task serves this connection. */
  handledBy(task: Task<unknown>): void {
    this.#server?.handledBy(task);
  }

  /** The task is done. */
  handled(task: Task<unknown>): void {
    this.#server?.handled(task);
  }

  protected abstract startReading(): void;

  /** Give the socket back to the system. */
  protected abstract closeSocket(): void;

  override isClosing(): boolean {
    return this.closing;
  }

  override isReading(): boolean {
    return !this.closing && !this.paused;
  }

  /** Whether what is written goes nowhere any more, though the protocol may not know yet. */
  isBroken(): boolean {
    return this.lost > 0;
  }

  /** @internal Whether it is a TlsTransport. */
  get isTls(): boolean {
    return false;
  }

  override canWriteEof(): boolean {
    return true;
  }

  override getProtocol(): StreamProtocol {
    return this.#protocol;
  }

  override setProtocol(protocol: StreamProtocol): void {
    this.#protocol = protocol;
  }

  override getWriteBufferLimits(): [low: number, high: number] {
    return this.#watermarks.limits;
  }

  override setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#watermarks.setLimits(limits);
    this.pauseIfAboveHigh();
  }

  override write(data: BytesLike): void {
    const bytes = toBytes(data);
    if (this.#mayWrite() && bytes.byteLength > 0) this.send(bytes);
  }

  /** @internal {@link write} what is in memory that will be used again: what must wait is copied. */
  lend(bytes: Buffer): void {
    this.write(Buffer.from(bytes));
  }

  override writelines(chunks: Iterable<BytesLike>): void {
    const bytes = Array.from(chunks, toBytes).filter(({ byteLength }) => byteLength > 0);
    if (this.#mayWrite() && bytes.length > 0) this.sendAll(bytes);
  }

  /** Send or buffer; the connection is there, and `bytes` are not none. */
  protected abstract send(bytes: Uint8Array): void;
  protected abstract sendAll(chunks: Uint8Array[]): void;

  /** End the connection with `error`, dropping what is buffered; once. */
  protected abstract forceClose(error: Error | null): void;

  override abort(): void {
    this.forceClose(null);
  }

  /** The connection is gone; tell the protocol, once. */
  protected lose(error: Error | null): void {
    this.lost++;
    this.#lostWith = error;
    // Before its socket is closed: who waits for that must not wait for another one with the same number.
    this.#room?.release(error ?? connectionLost());
    this.#closingOwed?.settle();
    this.loop.callSoon(() => this.#connectionLost(error));
  }

  #connectionLost(error: Error | null): void {
    try {
      this.#protocol.connectionLost(error);
    } finally {
      this.closeSocket();
      this.#server?.detach(this);
    }
  }

  /** @internal Let `send` have the connection for itself: once what is buffered has gone out, and without reading. */
  *sendFile(send: () => Waiting<number>): Waiting<number> {
    this.assertNoFile("sendfile");
    if (this.closing) throw new RuntimeError("Transport is closing");
    if (this.eofWritten) throw new RuntimeError("Cannot call sendfile() after writeEof()");
    const resume = this.isReading();
    this.pauseReading();
    this.#sendingFile = true;
    try {
      yield* this.#flushed();
      return yield* send();
    } finally {
      this.#sendingFile = false;
      if (resume) this.resumeReading();
    }
  }

  /** @internal Write a part of a file, once the part before it has gone out. */
  *writeBlock(block: Buffer, sent: (count: number) => void): Waiting<void> {
    yield* this.#flushed();
    this.send(block);
    this.#assertConnected();
    sent(block.length);
  }

  /** Throws RuntimeError while a file is sent: nothing may get in between. */
  protected assertNoFile(method: string): void {
    if (this.#sendingFile) throw new RuntimeError(`Cannot call ${method}() while sendfile() is in progress`);
  }

  *#flushed(): Waiting<void> {
    this.#assertConnected();
    while (this.getWriteBufferSize() > 0) yield* this.room();
  }

  /** Wait until the kernel takes more; throws if the connection ends. */
  protected *room(): Waiting<void> {
    this.#room ??= new Waiters(this.loop);
    yield* this.#room.wait();
    this.#assertConnected();
  }

  /** The kernel takes more. */
  protected roomMade(): void {
    this.#room?.release(null);
  }

  #assertConnected(): void {
    if (this.closing) throw this.#lostWith ?? connectionLost();
  }

  #mayWrite(): boolean {
    this.assertNoFile("write");
    if (this.eofWritten) throw new RuntimeError("Cannot call write() after writeEof()");
    if (this.lost === 0) return true;
    if (this.lost >= LOG_THRESHOLD_FOR_CONNLOST_WRITES) logger.warn(`write() on a lost connection: ${this}`);
    this.lost++;
    return false;
  }

  /** Whether somebody waits until less is buffered. */
  protected isAwaited(): boolean {
    return this.#marks?.paused === true || this.#room?.isEmpty() === false;
  }

  protected pauseIfAboveHigh(): void {
    this.#watermarks.pauseIfAboveHigh(this.getWriteBufferSize());
  }

  protected resumeIfBelowLow(): void {
    const size = this.getWriteBufferSize();
    if (size === 0) this.roomMade();
    this.#marks?.resumeIfBelowLow(size);
  }

  /**
   * Give `chunk`, the oldest of `rest`, to the protocol. What does not fit into memory of its own goes back, for the next
   * iteration: the protocol may pause, or be another one by then.
   */
  protected handOver(chunk: Buffer, rest: { unshift(chunk: Buffer): void }): void {
    const protocol = this.#protocol;
    if (!(protocol instanceof BufferedProtocol)) {
      this.feed("dataReceived", () => protocol.dataReceived(chunk));
      return;
    }
    this.feed("getBuffer", () => {
      const buffer = protocol.getBuffer(-1);
      if (buffer.byteLength === 0) throw new RuntimeError("getBuffer() returned an empty buffer");
      const count = Math.min(buffer.byteLength, chunk.length);
      buffer.set(chunk.subarray(0, count));
      if (count < chunk.length) rest.unshift(chunk.subarray(count));
      this.feed("bufferUpdated", () => protocol.bufferUpdated(count));
    });
  }

  /** An error of the protocol in one of these leaves the stream in the middle of something: it cannot go on. */
  protected feed(method: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      if (isFatal(error)) throw error;
      this.fatalError(error, `Fatal error: protocol.${method}() call failed.`);
    }
  }

  /** An error of the flow-control callbacks is reported, and the connection goes on. */
  protected callProtocol(method: string, call: () => void): void {
    try {
      call();
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      this.report(`protocol.${method}() failed`, exception);
    }
  }

  /** The connection cannot go on. The system's errors go to `connectionLost` alone; those of our own are reported. */
  protected fatalError(exception: unknown, message: string): void {
    if (!(exception instanceof OSError)) this.report(message, exception);
    this.forceClose(exception instanceof Error ? exception : new RuntimeError(message, { cause: exception }));
  }

  protected report(message: string, exception: unknown): void {
    this.loop.callExceptionHandler({ message, exception, transport: this, protocol: this.#protocol });
  }

  protected get stateName(): string {
    if (this.lost > 0) return "closed";
    return this.closing ? "closing" : "open";
  }
}

function connectionLost(): OSError {
  return osError("ECONNRESET", "the connection is lost");
}
