import { NotImplementedError } from "../../src/index.ts";
import { Protocol } from "../../src/io/protocols.ts";
import type { BytesLike } from "../../src/io/transports.ts";
import { Transport, toBytes } from "../../src/io/transports.ts";

/** A transport that only writes down what is done to it. */
export class FakeTransport extends Transport {
  /** What was called, in order, without the writes. */
  readonly calls: string[] = [];
  readonly written: Buffer[] = [];
  pausable = true;
  closing = false;

  constructor(extra: Record<string, unknown> = {}) {
    super();
    Object.assign(this.extra, extra);
  }

  override isClosing(): boolean {
    return this.closing;
  }

  override close(): void {
    this.closing = true;
    this.calls.push("close");
  }

  override abort(): void {
    this.closing = true;
    this.calls.push("abort");
  }

  override isReading(): boolean {
    return this.calls.lastIndexOf("pauseReading") <= this.calls.lastIndexOf("resumeReading");
  }

  override pauseReading(): void {
    if (!this.pausable) throw new NotImplementedError("cannot be paused");
    this.calls.push("pauseReading");
  }

  override resumeReading(): void {
    this.calls.push("resumeReading");
  }

  override write(data: BytesLike): void {
    this.written.push(Buffer.from(toBytes(data)));
  }

  override writelines(chunks: Iterable<BytesLike>): void {
    for (const chunk of chunks) this.write(chunk);
  }

  override writeEof(): void {
    this.calls.push("writeEof");
  }

  override canWriteEof(): boolean {
    return true;
  }

  override getWriteBufferSize(): number {
    return 0;
  }

  override getWriteBufferLimits(): [number, number] {
    return [0, 0];
  }

  override setWriteBufferLimits(): void {}

  override setProtocol(): void {}

  override getProtocol(): Protocol {
    return new (class extends Protocol {})();
  }

  override toString(): string {
    return "<FakeTransport>";
  }
}

/** Random numbers from a seed: the same ones in every run (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return low + (((t ^ (t >>> 14)) >>> 0) % (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  bytes(length: number, alphabet: string): Buffer {
    return Buffer.from(Array.from({ length }, () => this.pick([...alphabet])).join(""));
  }
}
