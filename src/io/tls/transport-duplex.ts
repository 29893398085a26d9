import { Duplex } from "node:stream";
import { FLOW_CONTROL_HIGH_WATER_SSL_READ } from "../../core/constants.ts";
import type { StreamTransport } from "../stream-transport.ts";
import { TlsWatermarks } from "../watermarks.ts";

type Done = (error?: Error | null) => void;

/** A transport as a stream of Node's, for its TLS to work on. Ending or destroying it leaves the transport alone. */
export class TransportDuplex extends Duplex {
  readonly #transport: StreamTransport;
  readonly #marks: TlsWatermarks;
  /** Whether the transport will receive nothing more; it may not have been read as far as there. */
  eofReceived = false;
  #blocked = false;
  /** Of the write that waits until the transport wants to be written to. */
  #held: Done | null = null;

  constructor(transport: StreamTransport) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#transport = transport;
    this.#marks = new TlsWatermarks(
      () => transport.pauseReading(),
      () => transport.resumeReading(),
      FLOW_CONTROL_HIGH_WATER_SSL_READ,
    );
  }

  get limits(): [low: number, high: number] {
    return this.#marks.limits;
  }

  setLimits(limits: { high?: number; low?: number }): void {
    this.#marks.setLimits(limits);
    this.#control();
  }

  /** The transport has received this, in memory that is used again. TLS copies it at once, unless it does not read now. */
  receive(data: Buffer): void {
    if (this.destroyed || this.readableEnded || data.length === 0) return;
    if (this.readableFlowing && this.readableLength === 0) {
      this.emit("data", data);
      return;
    }
    this.push(Buffer.from(data));
    this.#control();
  }

  /** The transport will receive nothing more. */
  receiveEof(): void {
    this.eofReceived = true;
    if (!this.destroyed) this.push(null);
  }

  pauseWriting(): void {
    this.#blocked = true;
  }

  resumeWriting(): void {
    this.#blocked = false;
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#control();
    return chunk;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#transport.write(chunk);
    this.#written(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#transport.writelines(chunks.map(({ chunk }) => chunk));
    this.#written(done);
  }

  /** What is lost is never done: TLS would take it for sent. */
  #written(done: Done): void {
    if (this.#blocked || this.#transport.isBroken()) this.#held = done;
    else done();
  }

  #control(): void {
    this.#marks.pauseIfAboveHigh(this.readableLength);
    this.#marks.resumeIfBelowLow(this.readableLength);
  }
}
