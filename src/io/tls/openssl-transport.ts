import type { BaseEventLoop } from "../../core/base-events.ts";
import { FLOW_CONTROL_HIGH_WATER_SSL_READ, FLOW_CONTROL_HIGH_WATER_SSL_WRITE } from "../../core/constants.ts";
import type { TimerHandle } from "../../core/handles.ts";
import { ChunkQueue } from "../chunk-queue.ts";
import type { StreamProtocol } from "../protocols.ts";
import { StreamTransport } from "../stream-transport.ts";
import { TlsWatermarks } from "../watermarks.ts";
import { MOST_AT_ONCE, type OpensslObject } from "./openssl-object.ts";
import { TlsBacklog } from "./tls-backlog.ts";
import type { TlsSettings } from "./tls-settings.ts";
import { noHalfOpenTls, shutdownTooSlow, type TlsTransport, warnOfHalfOpenTls } from "./tls-transport.ts";

/** So much is decrypted while nobody reads, in bytes: then it is known how the connection ends, if that is near. */
const READ_AHEAD = 64 * 1024;

/** What a connection consists of, from the wire up. */
interface Layers {
  readonly plain: StreamTransport;
  readonly tls: OpensslObject;
}

/** A {@link TlsTransport} by OpenSSL's functions: what comes in is decrypted, and what is written encrypted, at once. */
export class OpensslTransport extends StreamTransport implements TlsTransport {
  readonly #plain: StreamTransport;
  readonly #tls: OpensslObject;
  readonly #settings: TlsSettings;
  readonly #readMarks: TlsWatermarks;
  #started = false;
  /** Decrypted, but not delivered. */
  readonly #incoming = new ChunkQueue();
  /** What is behind that: the other side's end, an end without a word, or an error. */
  #end: "notified" | "truncated" | Error | null = null;
  /** How the transport below has ended. */
  #plainEnd: "truncated" | Error | null = null;
  readonly #backlog: TlsBacklog;
  #saidGoodbye = false;
  #shutdownTimer: TimerHandle | null = null;

  constructor(loop: BaseEventLoop, protocol: StreamProtocol, settings: TlsSettings, { plain, tls }: Layers) {
    super(loop, protocol, null);
    this.#plain = plain;
    this.#tls = tls;
    this.#backlog = new TlsBacklog(tls);
    this.#settings = settings;
    this.#readMarks = new TlsWatermarks(
      () => plain.pauseReading(),
      () => plain.resumeReading(),
      FLOW_CONTROL_HIGH_WATER_SSL_READ,
    );
    Object.assign(this.extra, {
      sslcontext: settings.context,
      ssl_object: tls,
      cipher: tls.getCipher(),
      peercert: tls.getPeerX509Certificate()?.toLegacyObject() ?? null,
    });
  }

  override get isTls(): boolean {
    return true;
  }

  getReadBufferSize(): number {
    return this.#tls.unreadSize;
  }

  getReadBufferLimits(): [low: number, high: number] {
    return this.#readMarks.limits;
  }

  setReadBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#readMarks.setLimits(limits);
    this.#controlReading();
  }

  #controlReading(): void {
    this.#readMarks.pauseIfAboveHigh(this.#tls.unreadSize);
    this.#readMarks.resumeIfBelowLow(this.#tls.unreadSize);
  }

  protected override makeMarks(pause: () => void, resume: () => void): TlsWatermarks {
    return new TlsWatermarks(pause, resume, FLOW_CONTROL_HIGH_WATER_SSL_WRITE);
  }

  override getWriteBufferSize(): number {
    return this.#backlog.size;
  }

  override isBroken(): boolean {
    return super.isBroken() || this.#broken !== null;
  }

  override canWriteEof(): boolean {
    return false;
  }

  override writeEof(): never {
    throw noHalfOpenTls();
  }

  receive(data: Buffer): void {
    if (this.lost > 0) return;
    // Only if nothing is before it, it is sure to be decrypted now.
    this.#tls.feed(this.#incoming.size === 0 ? data : Buffer.from(data));
    this.#advance();
  }

  /** The transport below will receive nothing more. */
  receiveEof(): void {
    this.#plainEnd ??= "truncated";
    this.#advance();
  }

  plainLost(error: Error | null): void {
    if (this.lost > 0) return;
    if (error === null || this.closing) {
      this.forceClose(error);
      return;
    }
    this.#plainEnd = error;
    this.#advance();
  }

  /** What came in is dropped while this is closing, and kept while nobody reads. */
  #takesMore(): boolean {
    return this.closing || this.#delivers() || this.#incoming.size < READ_AHEAD;
  }

  #delivers(): boolean {
    return this.#started && this.isReading();
  }

  /** Do all that can be done now. */
  #advance(): void {
    this.#deliver();
    while (this.lost === 0 && !this.#tls.drained && this.#takesMore()) {
      const chunk = this.#tls.decrypt(this.#delivers() ? Number.POSITIVE_INFINITY : READ_AHEAD);
      if (chunk !== null && !this.closing) this.#incoming.push(chunk);
      this.#deliver();
    }
    if (this.lost > 0) return;
    this.#controlReading();
    if (this.#tls.drained)
      this.#end ??= this.#tls.failure ?? (this.#tls.notified ? "notified" : this.#plainEnd);
    // If TLS had to read first, it has.
    if (this.#backlog.size > 0) this.#flush();
    this.#deliverEnd();
    this.#noticeLoss();
    this.#closeOn();
  }

  #deliver(): void {
    while (this.#delivers() && this.#incoming.size > 0)
      this.handOver(this.#incoming.shift()!, this.#incoming);
  }

  #deliverEnd(): void {
    const end = this.#end;
    if (end === null || !this.#delivers() || this.#incoming.size > 0) return;
    if (end instanceof Error) {
      this.#fail(end);
      return;
    }
    this.feed("eofReceived", () => {
      if (this.getProtocol().eofReceived()) warnOfHalfOpenTls(this);
      this.close();
    });
  }

  /** Why nothing more can be written. It may be known before all that came in is read. */
  get #broken(): Error | null {
    if (this.#end instanceof Error) return this.#end;
    return this.#plainEnd instanceof Error ? this.#plainEnd : null;
  }

  /** An error comes behind the bytes that were read before it; where nobody reads, it is the failure of what is to be written. */
  #noticeLoss(): void {
    const broken = this.#broken;
    if (broken === null || this.isReading()) return;
    if (this.#backlog.size > 0 || this.isAwaited()) this.#fail(broken);
  }

  #fail(error: Error): void {
    this.fatalError(error, "Fatal error on TLS transport");
  }

  protected override startReading(): void {
    this.#started = true;
    this.#advance();
  }

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.paused = true;
    this.#noticeLoss();
  }

  override resumeReading(): void {
    if (this.closing || !this.paused) return;
    this.paused = false;
    this.loop.callSoon(() => this.#advance());
  }

  protected override send(bytes: Uint8Array): void {
    if (!this.#mayWrite()) return;
    try {
      this.#backlog.write(bytes);
    } catch (error) {
      this.#cannotEncrypt(error);
    }
    if (this.#backlog.size > 0) this.pauseIfAboveHigh();
  }

  /** Small chunks make one record together. */
  protected override sendAll(chunks: Uint8Array[]): void {
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (size <= MOST_AT_ONCE) this.send(Buffer.concat(chunks));
    else for (const chunk of chunks) this.send(chunk);
  }

  /** The other side may be gone after an end without a word, and is sent nothing more, as in CPython. */
  #mayWrite(): boolean {
    if (this.closing || this.eofWritten || this.#end === "truncated") return false;
    if (this.#broken === null) return true;
    if (!this.isReading()) this.#fail(this.#broken);
    return false;
  }

  #cannotEncrypt(error: unknown): void {
    this.#end ??= error as Error;
    this.#fail(error as Error);
  }

  #flush(): void {
    try {
      this.#backlog.flush();
    } catch (error) {
      this.#cannotEncrypt(error);
    }
    if (this.lost > 0) return;
    this.resumeIfBelowLow();
    this.#sayGoodbye();
  }

  /** The transport below wants nothing more. */
  pauseWriting(): void {
    this.#backlog.pause();
  }

  resumeWriting(): void {
    this.#backlog.resume();
    if (this.lost > 0) return;
    this.#flush();
    this.#closeOn();
  }

  endWriting(): void {
    if (this.closing || this.eofWritten) return;
    this.eofWritten = true;
    this.#sayGoodbye();
  }

  /** Tell the other side that nothing more comes, when all was sent. */
  #sayGoodbye(): void {
    if (this.#saidGoodbye || !(this.closing || this.eofWritten)) return;
    if (this.#backlog.size > 0 || this.#end === "truncated") return;
    this.#saidGoodbye = true;
    this.#tls.shutdown();
  }

  /** Tell the other side that this is the end, and wait until it has answered. */
  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.#incoming.clear();
    const { shutdownTimeout } = this.#settings;
    this.#shutdownTimer = this.loop.callLater(shutdownTimeout, () => this.forceClose(shutdownTooSlow()));
    this.#advance();
  }

  /** What is next while it is closing. What comes in is dropped; behind it is the other side's answer. */
  #closeOn(): void {
    if (!this.closing || this.lost > 0) return;
    if (this.#broken !== null) {
      this.#fail(this.#broken);
      return;
    }
    this.#sayGoodbye();
    if (this.#end === null || this.#backlog.size > 0) return;
    this.#shutdownTimer?.cancel();
    this.#plain.close();
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    this.#incoming.clear();
    this.#backlog.clear();
    this.#plain.abort();
    this.lose(error);
  }

  protected override lose(error: Error | null): void {
    this.#shutdownTimer?.cancel();
    super.lose(error);
  }

  protected override closeSocket(): void {
    this.#tls.free();
  }

  override toString(): string {
    return `<TlsTransport ${this.stateName} buffered=${this.getWriteBufferSize()} over ${this.#plain}>`;
  }
}
