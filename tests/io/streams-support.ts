import { afterEach } from "node:test";
import { osError } from "../../src/core/errors.ts";
import {
  type Awaitable,
  BaseEventLoop,
  type ExceptionContext,
  getRunningLoop,
  NotImplementedError,
} from "../../src/index.ts";
import { Protocol } from "../../src/io/protocols.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { type BytesLike, Transport, toBytes } from "../../src/io/transports.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { Flavour, Steps } from "../flavours.ts";

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

export function fed(data: string, { eof = false, limit = 64 * 1024 } = {}): StreamReader {
  const reader = new StreamReader({ limit });
  reader.feedData(data);
  if (eof) reader.feedEof();
  return reader;
}

/** The text that a read gives. */
export function* text(on: Flavour["on"], read: Awaitable<Buffer>): Steps<string> {
  return (yield* on(read)).toString();
}

/** The error that a read throws. */
export function* failure(on: Flavour["on"], read: Awaitable<Buffer>): Steps<unknown> {
  try {
    yield* on(read);
  } catch (error) {
    return error;
  }
  throw new Error("no error was thrown");
}

export function paused(limit: number): { reader: StreamReader; transport: FakeTransport } {
  const reader = new StreamReader({ limit });
  const transport = new FakeTransport();
  reader.setTransport(transport);
  return { reader, transport };
}

/** An error that a connection breaks with. */
export const reset = osError("ECONNRESET", "reset by the peer");

const transports: FakeTransport[] = [];

/** Tests close nothing of these; unclosed writers would be reported when they are collected. */
afterEach(() => {
  for (const transport of transports.splice(0)) transport.closing = true;
});

export function newTransport(extra: Record<string, unknown> = {}): FakeTransport {
  const transport = new FakeTransport(extra);
  transports.push(transport);
  return transport;
}

/** What the loop's exception handler is told from now on. */
export function reports(): ExceptionContext[] {
  const all: ExceptionContext[] = [];
  getRunningLoop().setExceptionHandler((_loop, context) => all.push(context));
  return all;
}

/** Run a body of the async flavour alone, as the main coroutine of a loop whose clock jumps. */
export async function inLoop(body: () => Promise<void>): Promise<void> {
  const loop = new BaseEventLoop(new VirtualClock());
  try {
    await loop.runUntilComplete(body);
  } finally {
    loop.close();
  }
}
