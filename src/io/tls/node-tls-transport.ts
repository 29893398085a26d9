import type { TLSSocket } from "node:tls";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { FLOW_CONTROL_HIGH_WATER_SSL_WRITE } from "../../core/constants.ts";
import type { TimerHandle } from "../../core/handles.ts";
import { NodeStreamTransport } from "../portable/node-stream-transport.ts";
import { Wakeup } from "../portable/wakeup.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { StreamTransport } from "../stream-transport.ts";
import { TlsWatermarks } from "../watermarks.ts";
import { sslError } from "./ssl-errors.ts";
import type { TlsSettings } from "./tls-settings.ts";
import { noHalfOpenTls, shutdownTooSlow, type TlsTransport, warnOfHalfOpenTls } from "./tls-transport.ts";
import type { TransportDuplex } from "./transport-duplex.ts";

/** What a connection consists of, from the wire up. */
interface Layers {
  readonly plain: StreamTransport;
  readonly duplex: TransportDuplex;
  readonly socket: TLSSocket;
}

/** A {@link TlsTransport} by Node's TLS. */
export class NodeTlsTransport extends NodeStreamTransport<TLSSocket> implements TlsTransport {
  readonly #plain: StreamTransport;
  readonly #duplex: TransportDuplex;
  readonly #shutdownTimeout: number;
  readonly #ender: Wakeup;
  /** Why the connection cannot go on, known before all that came in was delivered. */
  #broken: Error | null = null;
  /** Whether TLS has ended only because the transport below had. */
  #endsEarly = false;
  /** The same, once the protocol knows: the other side may be gone, and is sent nothing more, as in CPython. */
  #truncated = false;
  #shutdownTimer: TimerHandle | null = null;
  #receiving = false;

  /** @internal */
  constructor(
    loop: BaseEventLoop,
    protocol: StreamProtocol,
    { context, shutdownTimeout }: TlsSettings,
    { plain, duplex, socket }: Layers,
  ) {
    super(loop, socket, protocol, null);
    this.#plain = plain;
    this.#duplex = duplex;
    this.#shutdownTimeout = shutdownTimeout;
    this.#ender = new Wakeup(loop, () => this.#ended());
    // Not getPeerCertificate(): in Node 24 that is empty once somebody has asked for the other.
    const peercert = socket.getPeerX509Certificate()?.toLegacyObject() ?? null;
    Object.assign(this.extra, {
      sslcontext: context,
      ssl_object: socket,
      cipher: socket.getCipher(),
      peercert,
    });
    socket.on("close", () => this.#ender.queue());
  }

  getReadBufferSize(): number {
    return this.#duplex.readableLength;
  }

  getReadBufferLimits(): [low: number, high: number] {
    return this.#duplex.limits;
  }

  setReadBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#duplex.setLimits(limits);
  }

  protected override makeMarks(pause: () => void, resume: () => void): TlsWatermarks {
    return new TlsWatermarks(pause, resume, FLOW_CONTROL_HIGH_WATER_SSL_WRITE);
  }

  override get isTls(): boolean {
    return true;
  }

  override canWriteEof(): boolean {
    return false;
  }

  override writeEof(): never {
    throw noHalfOpenTls();
  }

  endWriting(): void {
    if (this.closing || this.eofWritten) return;
    this.eofWritten = true;
    this.stream.end();
  }

  /** Tell the other side that this is the end, and wait until it has answered. */
  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.incoming.clear();
    if (this.#broken !== null || this.stream.closed) {
      this.#ended();
      return;
    }
    this.#shutdownTimer = this.loop.callLater(this.#shutdownTimeout, () =>
      this.forceClose(shutdownTooSlow()),
    );
    this.#truncated ||= this.paused && this.#duplex.eofReceived;
    if (this.#truncated) {
      if (!this.draining) this.emptied();
      return;
    }
    this.stream.end();
    // What comes in now is dropped; behind it is the answer.
    this.stream.resume();
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    this.stream.destroy();
    this.#plain.abort();
    this.lose(error);
  }

  /** @internal The transport below has received this, in the loop's turn: so the protocol gets at once what is in it. */
  receive(data: Buffer): void {
    this.#receiving = true;
    try {
      this.#duplex.receive(data);
      this.#deliverAll();
    } finally {
      this.#receiving = false;
      this.stream.uncork();
      if (!this.incoming.isEmpty()) this.queueReader();
    }
  }

  /** A record of TLS has 16 KiB at most, so many may have come; what is written in answer is encrypted together. */
  #deliverAll(): void {
    let { count } = this.incoming;
    if (count > 1) this.stream.cork();
    while (count-- > 0) this.deliver();
  }

  protected override queueReader(): void {
    if (!this.#receiving) super.queueReader();
  }

  plainLost(error: Error | null): void {
    if (this.lost > 0) return;
    if (error === null || this.closing) {
      this.forceClose(error);
      return;
    }
    this.#broken ??= error;
    this.#duplex.receiveEof();
    if (this.draining) this.noticeLoss();
  }

  protected override send(bytes: Uint8Array): void {
    if (this.#truncated) return;
    super.send(bytes);
    this.noticeLoss();
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    if (this.#truncated) return;
    super.sendAll(chunks);
    this.noticeLoss();
  }

  /** An error comes behind the bytes that were read before it; where nobody reads, it is the failure of what is to be written. */
  protected override noticeLoss(): void {
    if (this.#broken !== null && !this.isReading()) this.failWrite(this.#broken);
  }

  protected override emptied(): void {
    if (this.closing && this.#truncated) this.#plain.close();
  }

  protected override onEnd(): void {
    if (this.#broken !== null) this.incoming.error ??= this.#broken;
    else this.#endsEarly = this.#duplex.readableEnded;
    super.onEnd();
  }

  protected override onError(reason: Error): void {
    if (this.incoming.error !== null || this.lost > 0) return;
    this.#broken ??= sslError(reason);
    // After that Node delivers nothing more by itself, and what it has read can be taken.
    this.stream.destroy(this.#broken);
    this.incoming.fail(this.#broken);
    this.queueReader();
    this.#ender.queue();
    if (this.draining) this.noticeLoss();
  }

  /** Node is done with it: both sides have said that this is the end, or it broke after our end. */
  #ended(): void {
    if (this.lost > 0 || !this.closing) return;
    this.#shutdownTimer?.cancel();
    if (this.#broken !== null) this.fail(this.#broken);
    else if (this.closing) this.#plain.close();
  }

  protected override fail(error: Error): void {
    this.fatalError(error, "Fatal error on TLS transport");
  }

  protected override receiveEof(): void {
    this.#truncated = this.#endsEarly;
    this.feed("eofReceived", () => {
      if (this.getProtocol().eofReceived()) warnOfHalfOpenTls(this);
      this.close();
    });
  }

  protected override lose(error: Error | null): void {
    this.#shutdownTimer?.cancel();
    super.lose(error);
  }

  /** The transport below has closed it, or does so. */
  protected override closeSocket(): void {
    this.stream.destroy();
  }

  override toString(): string {
    return `<TlsTransport ${this.stateName} buffered=${this.getWriteBufferSize()} over ${this.#plain}>`;
  }
}
