import type { Duplex } from "node:stream";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Server } from "../server.ts";
import { StreamTransport } from "../stream-transport.ts";
import { Incoming } from "./incoming.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * A stream transport on a stream of Node's, which belongs to it from now on.
 *
 * Node calls when it likes; the protocol is called in the loop's turn only. So Node's events do no more than to note
 * what happened and to wake one of two callbacks: one that delivers what came in, one piece in an iteration, as an epoll
 * loop would; and one that deals with what went out.
 */
export abstract class NodeStreamTransport<S extends Duplex> extends StreamTransport {
  protected readonly stream: S;
  protected readonly incoming: Incoming;
  readonly #reader: Wakeup;
  readonly #writer: Wakeup;
  #reading = false;
  /** Whether Node holds bytes that it could not hand on. */
  protected draining = false;
  /** Why nothing can be written any more. */
  #writeError: Error | null = null;

  constructor(loop: BaseEventLoop, stream: S, protocol: StreamProtocol, server: Server | null) {
    super(loop, protocol, server);
    this.stream = stream;
    this.incoming = new Incoming(stream);
    this.#reader = new Wakeup(loop, () => this.deliver());
    this.#writer = new Wakeup(loop, () => this.#flushed());
    this.#listen();
  }

  #listen(): void {
    const { stream } = this;
    // First of all: a listener for data would start the reading otherwise.
    stream.pause();
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.onEnd());
    stream.on("error", (error) => this.onError(error));
  }

  /** It broke: the stream delivers nothing more, and sends nothing more. */
  protected abstract onError(error: Error): void;

  /** The connection cannot go on, because of its stream. */
  protected abstract fail(error: Error, doing: "read" | "write"): void;

  /** Node has not sent something: it broke, and nobody may be reading who would be told. */
  protected abstract noticeLoss(): void;

  /** Node holds nothing any more that was to be sent. */
  protected emptied(): void {}

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.paused = true;
    this.stream.pause();
    if (this.draining) this.noticeLoss();
  }

  override resumeReading(): void {
    if (this.closing || !this.paused) return;
    this.paused = false;
    this.#readOn();
  }

  /** Bytes that were taken in part count as a whole until all are: Node does not tell. */
  override getWriteBufferSize(): number {
    return this.lost > 0 ? 0 : this.stream.writableLength;
  }

  override isBroken(): boolean {
    return super.isBroken() || this.stream.errored !== null;
  }

  override writeEof(): void {
    if (this.closing || this.eofWritten) return;
    this.assertNoFile("writeEof");
    this.eofWritten = true;
    this.stream.end();
  }

  protected override send(bytes: Uint8Array): void {
    this.stream.write(bytes, this.#onWritten);
    this.#afterWrite();
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    this.stream.cork();
    for (const chunk of chunks) this.stream.write(chunk, this.#onWritten);
    this.stream.uncork();
    this.#afterWrite();
  }

  #afterWrite(): void {
    if (this.stream.writableLength === 0) return;
    this.draining = true;
    this.pauseIfAboveHigh();
  }

  /** Node calls it for each chunk, and for those that an error left unsent. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error) this.onUnsent();
    else if (this.draining && (this.closing || this.isAwaited())) this.queueWriter();
    else if (this.stream.writableLength === 0) this.draining = false;
  };

  /** Node gave up a chunk. */
  protected onUnsent(): void {
    this.noticeLoss();
  }

  protected failWrite(error: Error): void {
    this.#writeError ??= error;
    this.queueWriter();
  }

  protected queueWriter(): void {
    this.#writer.queue();
  }

  #flushed(): void {
    if (this.lost > 0) return;
    if (this.#writeError !== null) {
      this.fail(this.#writeError, "write");
      return;
    }
    this.resumeIfBelowLow();
    if (this.getWriteBufferSize() > 0) return;
    this.draining = false;
    if (this.lost === 0) this.emptied();
  }

  #onData(chunk: Buffer): void {
    if (this.closing) return;
    this.incoming.push(chunk);
    this.queueReader();
  }

  protected onEnd(): void {
    this.incoming.end();
    this.queueReader();
  }

  protected queueReader(): void {
    if (this.#reading && this.isReading()) this.#reader.queue();
  }

  protected override startReading(): void {
    this.#reading = true;
    this.#readOn();
  }

  /** Deliver what is there already; if there is nothing, let Node read. */
  #readOn(): void {
    if (!this.#reading || !this.isReading()) return;
    if (!this.incoming.isEmpty()) this.queueReader();
    else if (this.stream.isPaused()) this.stream.resume();
  }

  /** Give the protocol what came in first. */
  protected deliver(): void {
    if (!this.#reading || !this.isReading() || this.incoming.isEmpty()) return;
    const chunk = this.incoming.shift();
    if (chunk !== null) this.handOver(chunk, this.incoming);
    else if (this.incoming.error === null) this.receiveEof();
    else this.fail(this.incoming.error, "read");
    this.#readOn();
  }

  /** The other side has ended, and all that came in was delivered. */
  protected receiveEof(): void {
    this.feed("eofReceived", () => {
      if (!this.getProtocol().eofReceived()) this.close();
    });
  }

  protected override lose(error: Error | null): void {
    this.incoming.clear();
    super.lose(error);
  }
}
