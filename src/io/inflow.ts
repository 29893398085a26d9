import type { BaseEventLoop } from "../core/base-events.ts";
import { NotImplementedError, RuntimeError } from "../core/errors.ts";
import type { Future } from "../core/futures.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import type { ReadTransport } from "./transports.ts";

/**
 * What came in on a connection and was not read yet, how it ended, and the one read that waits for more.
 *
 * The transport is paused above twice the limit and resumed within it. The distance keeps it from flickering.
 */
export class Inflow {
  readonly buffer = new ByteBuffer();
  readonly limit: number;
  eof = false;
  exception: Error | null = null;
  transport: ReadTransport | null = null;
  readonly #loop: BaseEventLoop;
  #waiter: Future<void> | null = null;
  #paused = false;

  constructor(limit: number, loop: BaseEventLoop) {
    this.limit = limit;
    this.#loop = loop;
  }

  /** More bytes came in. */
  feed(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.buffer.append(bytes);
    this.#wake();
    if (!this.#paused && this.buffer.length > 2 * this.limit) this.#pause();
  }

  /** Nothing more will come in. */
  end(): void {
    this.eof = true;
    this.#wake();
  }

  /** The connection broke. */
  fail(exception: Error): void {
    this.exception = exception;
    const waiter = this.#takeWaiter();
    if (waiter !== null && !waiter.done()) waiter.setException(exception);
  }

  assertUnbroken(): void {
    if (this.exception !== null) throw this.exception;
  }

  /**
   * Wait until something came in, or nothing more will. Waiting at a paused transport would be for ever, so it is
   * resumed first: reads may want more than the limit.
   */
  wait(method: string): Future<void> {
    if (this.#isAwaited()) {
      throw new RuntimeError(`${method}() called while another task waits for data of the same reader`);
    }
    this.assertUnbroken();
    this.#resume();
    this.buffer.compact();
    this.#waiter = this.#loop.createFuture<void>();
    return this.#waiter;
  }

  /** A read that was cancelled has left its future here. */
  #isAwaited(): boolean {
    return this.#waiter !== null && !this.#waiter.done();
  }

  /** Something was taken out of the buffer. */
  resumeIfWithinLimit(): void {
    if (this.buffer.length <= this.limit) this.#resume();
  }

  #wake(): void {
    const waiter = this.#takeWaiter();
    if (waiter !== null && !waiter.done()) waiter.setResult(undefined);
  }

  #takeWaiter(): Future<void> | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }

  #pause(): void {
    try {
      this.transport?.pauseReading();
      this.#paused = this.transport !== null;
    } catch (error) {
      if (!(error instanceof NotImplementedError)) throw error;
      // It cannot be paused: all that comes is buffered, and it is not asked again.
      this.transport = null;
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.transport?.resumeReading();
  }

  /** What `toString` of the reader shows. */
  describe(): string[] {
    const parts: string[] = [];
    if (this.buffer.length > 0) parts.push(`${this.buffer.length} bytes`);
    if (this.eof) parts.push("eof");
    if (this.#isAwaited()) parts.push(`waiter=${this.#waiter}`);
    if (this.exception !== null) parts.push(`exception=${this.exception}`);
    if (this.transport !== null) parts.push(`transport=${this.transport}`);
    if (this.#paused) parts.push("paused");
    return parts;
  }
}
