import type { TLSSocket } from "node:tls";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { FLOW_CONTROL_HIGH_WATER_SSL_WRITE } from "../../core/constants.ts";
import { NotImplementedError, TimeoutError } from "../../core/errors.ts";
import type { TimerHandle } from "../../core/handles.ts";
import { logger } from "../../core/log.ts";
import { Incoming } from "../portable/incoming.ts";
import { Wakeup } from "../portable/wakeup.ts";
import type { StreamProtocol } from "../protocols.ts";
import { StreamTransport } from "../stream-transport.ts";
import { TlsWatermarks } from "../watermarks.ts";
import { sslError } from "./ssl-errors.ts";
import type { TlsSettings } from "./tls-settings.ts";
import type { TransportDuplex } from "./transport-duplex.ts";

/** What a connection consists of, from the wire up. */
interface Layers {
  readonly plain: StreamTransport;
  readonly duplex: TransportDuplex;
  readonly socket: TLSSocket;
}

/**
 * A stream of bytes that goes encrypted over another transport. It cannot be half-open: when the other side ends, it is
 * closed. Node encrypts, and calls when it likes; the protocol is called in the loop's turn only. What `ssl` and `startTls`
 * give; `transport instanceof TlsTransport` tells.
 */
export class TlsTransport extends StreamTransport {
  readonly #plain: StreamTransport;
  readonly #duplex: TransportDuplex;
  readonly #socket: TLSSocket;
  readonly #shutdownTimeout: number;
  readonly #incoming: Incoming;
  readonly #reader: Wakeup;
  readonly #writer: Wakeup;
  readonly #ender: Wakeup;
  #reading = false;
  /** Whether Node holds bytes that the transport below did not take. */
  #draining = false;
  /** Why the connection cannot go on, known before all that came in was delivered. */
  #broken: Error | null = null;
  #shutdownTimer: TimerHandle | null = null;

  /** @internal */
  constructor(
    loop: BaseEventLoop,
    protocol: StreamProtocol,
    { context, shutdownTimeout }: TlsSettings,
    { plain, duplex, socket }: Layers,
  ) {
    super(loop, protocol, null);
    this.#plain = plain;
    this.#duplex = duplex;
    this.#socket = socket;
    this.#shutdownTimeout = shutdownTimeout;
    this.#incoming = new Incoming(socket);
    this.#reader = new Wakeup(loop, () => this.#deliver());
    this.#writer = new Wakeup(loop, () => this.#flushed());
    this.#ender = new Wakeup(loop, () => this.#ended());
    // Not getPeerCertificate(): in Node 24 that is empty once somebody has asked for the other.
    const peercert = socket.getPeerX509Certificate()?.toLegacyObject() ?? null;
    Object.assign(this.extra, {
      sslcontext: context,
      ssl_object: socket,
      cipher: socket.getCipher(),
      peercert,
    });
    this.#listen();
  }

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.paused = true;
    this.#socket.pause();
  }

  override resumeReading(): void {
    if (this.closing || !this.paused) return;
    this.paused = false;
    this.#readOn();
  }

  /** Encrypted bytes that wait to be decrypted. Python: `get_read_buffer_size`. */
  getReadBufferSize(): number {
    return this.#duplex.readableLength;
  }

  /** The marks of the read buffer, `[low, high]`, in bytes. Python: `get_read_buffer_limits`. */
  getReadBufferLimits(): [low: number, high: number] {
    return this.#duplex.limits;
  }

  /**
   * Set the marks, in bytes, of what waits to be decrypted: at `high` the transport below stops reading, at `low` it goes
   * on. By default `high` is 256 KiB, or four times `low`, and `low` a quarter of `high`.
   *
   * Throws ValueError unless high ≥ low ≥ 0. Python: `set_read_buffer_limits`.
   */
  setReadBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#duplex.setLimits(limits);
  }

  /** What waits to be encrypted, and what was encrypted last, until the transport below has taken it. */
  override getWriteBufferSize(): number {
    return this.lost > 0 ? 0 : this.#socket.writableLength;
  }

  protected override makeMarks(pause: () => void, resume: () => void): TlsWatermarks {
    return new TlsWatermarks(pause, resume, FLOW_CONTROL_HIGH_WATER_SSL_WRITE);
  }

  override canWriteEof(): boolean {
    return false;
  }

  override writeEof(): never {
    throw new NotImplementedError(
      "writeEof() is not possible with TLS, which has no half-open connections; use close()",
    );
  }

  /** Tell the other side that this is the end, and wait until it has answered. */
  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.#incoming.clear();
    if (this.#socket.closed) {
      this.#ended();
      return;
    }
    this.#shutdownTimer = this.loop.callLater(this.#shutdownTimeout, () =>
      this.forceClose(shutdownTooSlow()),
    );
    this.#socket.end();
    // What comes in now is dropped; behind it is the answer.
    this.#socket.resume();
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    this.#socket.destroy();
    this.#plain.abort();
    this.lose(error);
  }

  /** The transport below is gone. What came in before an error is delivered first, if the protocol wants it. */
  plainLost(error: Error | null): void {
    if (this.lost > 0) return;
    if (error === null || !this.isReading()) {
      this.forceClose(error);
      return;
    }
    this.#broken ??= error;
    this.#duplex.receiveEof();
  }

  protected override send(bytes: Uint8Array): void {
    this.#socket.write(bytes, this.#onWritten);
    this.#afterWrite();
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk, this.#onWritten);
    this.#socket.uncork();
    this.#afterWrite();
  }

  #afterWrite(): void {
    if (this.#socket.writableLength === 0) return;
    this.#draining = true;
    this.pauseIfAboveHigh();
  }

  /** An error also comes by other ways. */
  readonly #onWritten = (error?: Error | null): void => {
    if (!error && this.#draining) this.#writer.queue();
  };

  #flushed(): void {
    if (this.lost > 0) return;
    this.resumeIfBelowLow();
    if (this.getWriteBufferSize() === 0) this.#draining = false;
  }

  #listen(): void {
    const socket = this.#socket;
    // First of all: a listener for data would start the reading otherwise.
    socket.pause();
    socket.on("data", (chunk: Buffer) => {
      if (this.closing) return;
      this.#incoming.push(chunk);
      this.#queueReader();
    });
    socket.on("end", () => {
      if (this.#broken !== null) this.#incoming.error ??= this.#broken;
      this.#incoming.end();
      this.#queueReader();
    });
    socket.on("error", (error) => this.#onError(sslError(error)));
    socket.on("close", () => this.#ender.queue());
  }

  #onError(error: Error): void {
    if (this.#broken !== null || this.lost > 0) return;
    this.#broken = error;
    // After that Node delivers nothing more by itself, and what it has read can be taken.
    this.#socket.destroy(error);
    this.#incoming.fail(error);
    this.#queueReader();
    this.#ender.queue();
  }

  /** Node is done with it: both sides have said that this is the end, or it broke while nobody reads. */
  #ended(): void {
    if (this.lost > 0 || this.isReading()) return;
    this.#shutdownTimer?.cancel();
    if (this.#broken !== null) this.#fail(this.#broken);
    else if (this.closing) this.#plain.close();
  }

  #fail(error: Error): void {
    this.fatalError(error, "Fatal error on TLS transport");
  }

  #queueReader(): void {
    if (this.#reading && this.isReading()) this.#reader.queue();
  }

  /** Deliver what is there already; if there is nothing, let Node read. */
  #readOn(): void {
    if (!this.#reading || !this.isReading()) return;
    if (!this.#incoming.isEmpty()) this.#queueReader();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #deliver(): void {
    if (!this.isReading() || this.#incoming.isEmpty()) return;
    const chunk = this.#incoming.shift();
    if (chunk !== null) this.handOver(chunk, this.#incoming);
    else if (this.#incoming.error === null) this.#receiveEof();
    else this.#fail(this.#incoming.error);
    this.#readOn();
  }

  #receiveEof(): void {
    this.feed("eofReceived", () => {
      if (this.getProtocol().eofReceived()) {
        logger.warn(`eofReceived() returned true, but a TLS connection cannot stay half-open: ${this}`);
      }
      this.close();
    });
  }

  protected override startReading(): void {
    this.#reading = true;
    this.#readOn();
  }

  protected override lose(error: Error | null): void {
    this.#shutdownTimer?.cancel();
    this.#incoming.clear();
    super.lose(error);
  }

  /** The transport below has closed it, or does so. */
  protected override closeSocket(): void {
    this.#socket.destroy();
  }

  override toString(): string {
    return `<TlsTransport ${this.stateName} buffered=${this.getWriteBufferSize()} over ${this.#plain}>`;
  }
}

function shutdownTooSlow(): Error {
  return new TimeoutError("the other side did not end TLS in time");
}
