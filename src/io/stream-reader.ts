import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { IncompleteReadError, LimitOverrunError, RuntimeError, ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Waiting } from "./backend.ts";
import { Inflow } from "./inflow.ts";
import { type Separator, SeparatorSearch, type Separators, separatorsOf } from "./separators.ts";
import { type BytesLike, type ReadTransport, toBytes } from "./transports.ts";

/** The longest line that a reader takes by default, in bytes. CPython's number. Python: `streams._DEFAULT_LIMIT`. */
export const DEFAULT_LIMIT = 64 * 1024;

const NEWLINE: Separators = [Buffer.from("\n")];
const EMPTY = Buffer.alloc(0);

/**
 * The bytes that come in on a connection, for one task at a time to read; `openConnection` and `startServer` make it.
 * `for await (const line of reader)` gives its lines.
 *
 * What a read gives is yours, and not copied: it shares memory with what came in together with it. Copy the few bytes
 * that you keep for long. Python: `asyncio.StreamReader`.
 */
export class StreamReader extends Inspectable {
  readonly #inflow: Inflow;
  /** @internal The writer of the same connection: while anybody reads it must not be collected, that would close it. */
  partner: object | null = null;

  /**
   * `limit` is the longest line in bytes, 64 KiB by default; above twice as much in the buffer the transport is paused.
   * Throws ValueError unless it is above 0, RuntimeError if no loop is given and none runs.
   */
  constructor({ limit = DEFAULT_LIMIT, loop }: { limit?: number; loop?: BaseEventLoop } = {}) {
    super();
    if (!(limit > 0)) throw new ValueError(`limit must be above 0, not ${inspect(limit)}`);
    this.#inflow = new Inflow(limit, loop ?? getRunningLoop());
  }

  /**
   * Up to `n` bytes: what there is, waiting only if that is nothing. Empty at the end of the stream, and at once if `n`
   * is 0. With a negative `n`, the default, everything until the end. The limit does not count here.
   *
   * Throws the connection's error, even if bytes came in before it; RuntimeError if another task waits at this reader;
   * TypeError if `n` is no integer. Cancel safety: nothing is lost, the bytes stay in the reader.
   * Python: `StreamReader.read`.
   */
  read(n = -1): Coroutine<Buffer> {
    return new Coroutine(() => this.#read(n), "StreamReader.read");
  }

  /**
   * Exactly `n` bytes; it may be more than the limit.
   *
   * Throws IncompleteReadError, with what there is, if the stream ends before; ValueError if `n` is negative; and as
   * {@link read}. Cancel safety: nothing is lost. Python: `StreamReader.readexactly`.
   */
  readexactly(n: number): Coroutine<Buffer> {
    return new Coroutine(() => this.#readexactly(n), "StreamReader.readexactly");
  }

  /**
   * The next line with its `\n`; at the end of the stream what is left, or nothing.
   *
   * Throws ValueError if the line is longer than the limit: it is dropped, or, if its end has not come in yet, all that
   * has. Also throws as {@link read}. Cancel safety: nothing is lost. Python: `StreamReader.readline`.
   */
  readline(): Coroutine<Buffer> {
    return new Coroutine(() => this.#readline("readline"), "StreamReader.readline");
  }

  /**
   * Everything through `separator`, by default `\n`. Of several, given as an array, the one that ends first counts.
   *
   * Throws IncompleteReadError, with the rest, if the stream ends before; LimitOverrunError if more than `limit` bytes
   * come before the separator, they stay in the reader; ValueError if a separator is empty, or there is none; and as
   * {@link read}. Cancel safety: nothing is lost. Python: `StreamReader.readuntil`, where several are a tuple.
   */
  readuntil(separator: Separator = "\n"): Coroutine<Buffer> {
    return new Coroutine(
      () => this.#readuntil(separatorsOf(separator), "readuntil"),
      "StreamReader.readuntil",
    );
  }

  /** The lines, each with its `\n`, until the end of the stream. Each step is a {@link readline}. Python: `async for`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer, undefined> {
    const lines: AsyncIterableIterator<Buffer, undefined> = {
      next: () => new Coroutine(() => this.#next(), "StreamReader.next"),
      [Symbol.asyncIterator]: () => lines,
    };
    return lines;
  }

  /** Whether everything was read, and nothing more will come. Python: `StreamReader.at_eof`. */
  atEof(): boolean {
    return this.#inflow.eof && this.#inflow.buffer.length === 0;
  }

  /** The error that the connection broke with, or null. Python: `StreamReader.exception`. */
  exception(): Error | null {
    return this.#inflow.exception;
  }

  /** Have the read that waits and every later one throw `exception`. Python: `StreamReader.set_exception`. */
  setException(exception: Error): void {
    this.#inflow.fail(exception);
  }

  /** Pause `transport` while too much is buffered. Throws RuntimeError if there is one. Python: `StreamReader.set_transport`. */
  setTransport(transport: ReadTransport): void {
    if (this.#inflow.transport !== null) throw new RuntimeError(`${this} has a transport already`);
    this.#inflow.transport = transport;
  }

  /** @internal */
  get transport(): ReadTransport | null {
    return this.#inflow.transport;
  }

  /** @internal Whether bytes came in that nobody has taken out. */
  hasUnread(): boolean {
    return this.#inflow.buffer.length > 0;
  }

  /** @internal The same connection has another transport now. */
  replaceTransport(transport: ReadTransport): void {
    this.#inflow.transport = transport;
  }

  /** @internal Take out everything, for somebody else to read. */
  takeUnread(): Buffer {
    const data = this.#inflow.buffer.takeAll();
    this.#inflow.resumeIfWithinLimit();
    return data;
  }

  /**
   * Add bytes. They belong to the reader from now on, without a copy: do not change them. Throws RuntimeError after
   * {@link feedEof}, TypeError if `data` is no bytes. Python: `StreamReader.feed_data`.
   */
  feedData(data: BytesLike): void {
    if (this.#inflow.eof) throw new RuntimeError("feedData() called after feedEof()");
    this.#inflow.feed(toBytes(data));
  }

  /** Nothing more will come. Python: `StreamReader.feed_eof`. */
  feedEof(): void {
    this.#inflow.end();
  }

  *#read(n: number): Waiting<Buffer> {
    assertInteger(n);
    return yield* n < 0 ? this.#readAll() : this.#readSome(n);
  }

  *#readSome(n: number): Waiting<Buffer> {
    const inflow = this.#inflow;
    const { buffer } = inflow;
    inflow.assertUnbroken();
    if (n === 0) return EMPTY;
    while (buffer.length === 0 && !inflow.eof) yield* inflow.wait("read");
    const data = buffer.take(Math.min(n, buffer.length));
    inflow.resumeIfWithinLimit();
    return data;
  }

  /** Taken out piece by piece, so that the transport is not paused. CPython loses the pieces when it is cancelled. */
  *#readAll(): Waiting<Buffer> {
    const pieces: Buffer[] = [];
    try {
      do pieces.push(yield* this.#readSome(Number.POSITIVE_INFINITY));
      while (pieces.at(-1)!.length > 0);
    } catch (error) {
      this.#inflow.buffer.unshift(pieces);
      throw error;
    }
    return Buffer.concat(pieces);
  }

  *#readexactly(n: number): Waiting<Buffer> {
    const inflow = this.#inflow;
    const { buffer } = inflow;
    assertInteger(n);
    if (n < 0) throw new ValueError(`readexactly() cannot read ${n} bytes`);
    inflow.assertUnbroken();
    if (n === 0) return EMPTY;
    while (buffer.length < n) {
      if (inflow.eof) throw new IncompleteReadError(buffer.takeAll(), n);
      yield* inflow.wait("readexactly");
    }
    const data = buffer.take(n);
    inflow.resumeIfWithinLimit();
    return data;
  }

  *#readline(method: string): Waiting<Buffer> {
    try {
      return yield* this.#readuntil(NEWLINE, method);
    } catch (error) {
      if (error instanceof IncompleteReadError) return error.partial;
      if (!(error instanceof LimitOverrunError)) throw error;
      this.#dropLine(error.consumed);
      throw new ValueError(error.message, { cause: error });
    }
  }

  /** `length` bytes, and the newline behind them, if it is there. */
  #dropLine(length: number): void {
    const { buffer } = this.#inflow;
    const ends = buffer.indexOf(NEWLINE[0], length, length + 1) >= 0;
    buffer.take(ends ? length + 1 : length);
    this.#inflow.resumeIfWithinLimit();
  }

  *#readuntil(separators: Separators, method: string): Waiting<Buffer> {
    const inflow = this.#inflow;
    inflow.assertUnbroken();
    const search = new SeparatorSearch(inflow.buffer, separators, inflow.limit);
    let data = search.take(inflow.eof);
    while (data === null) {
      yield* inflow.wait(method);
      data = search.take(inflow.eof);
    }
    inflow.resumeIfWithinLimit();
    return data;
  }

  *#next(): Waiting<IteratorResult<Buffer, undefined>> {
    const value = yield* this.#readline("next");
    return value.length > 0 ? { done: false, value } : { done: true, value: undefined };
  }

  override toString(): string {
    const { limit } = this.#inflow;
    const shown = limit === DEFAULT_LIMIT ? [] : [`limit=${limit}`];
    return `<${["StreamReader", ...shown, ...this.#inflow.describe()].join(" ")}>`;
  }
}

function assertInteger(n: number): void {
  if (!Number.isInteger(n)) throw new TypeError(`an integer number of bytes was expected, not ${inspect(n)}`);
}
