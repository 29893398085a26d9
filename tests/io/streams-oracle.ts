import assert from "node:assert/strict";
import { type Coroutine, IncompleteReadError, LimitOverrunError, ValueError } from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import type { BytesLike } from "../../src/io/transports.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { FakeTransport, type Random, reset } from "./streams-support.ts";

const ALPHABET = "aab\n";
const SEPARATORS = ["\n", "b", "aa", "ab", "aab", "ba\n", "aaaa", "x", "bbbbb"];

/** How many turns a transport may be paused while a read waits for it. */
const PATIENCE = 100;

/**
 * What comes in, and what is known of it: the oracle looks at the whole, the reader gets it in pieces. Beside it stands
 * the same arithmetic as the reader's, on numbers alone.
 */
export class Source {
  readonly data: Buffer;
  readonly reader: StreamReader;
  readonly limit: number;
  /** Null if nobody can be paused. */
  readonly transport: FakeTransport | null;
  readonly #random: Random;
  /** After how many bytes the connection breaks; Infinity if it ends well. */
  readonly #breaksAt: number;
  fed = 0;
  ended = false;
  broken = false;
  /** How much of the data the reads have given. */
  position = 0;
  /** A `read()` takes out what comes in before it ends, so that nobody knows how much is buffered. */
  draining = false;

  constructor(random: Random) {
    this.#random = random;
    this.data = random.bytes(random.int(0, 60), ALPHABET);
    this.limit = random.pick([1, 2, 5, 10, 1000]);
    this.#breaksAt = random.int(0, 7) === 0 ? random.int(0, this.data.length) : Number.POSITIVE_INFINITY;
    this.reader = new StreamReader({ limit: this.limit });
    const transport = new FakeTransport();
    const kind = random.int(0, 9);
    transport.pausable = kind > 0;
    this.transport = kind > 1 ? transport : null;
    if (kind !== 1) this.reader.setTransport(transport);
  }

  get rest(): Buffer {
    return this.data.subarray(this.position);
  }

  /** What has come in and was not read. */
  get held(): Buffer {
    return this.data.subarray(this.position, this.fed);
  }

  get reading(): boolean {
    return this.transport?.isReading() ?? true;
  }

  /** Feed all of it. What the oracle finds wrong meanwhile ends whatever reads. */
  *feed(): Steps<void> {
    try {
      yield* this.#feed();
    } catch (error) {
      this.reader.setException(error as Error);
      throw error;
    }
  }

  /** Like a transport, feeds nothing while it is paused. */
  *#feed(): Steps<void> {
    const random = this.#random;
    for (;;) {
      for (let turns = random.int(0, 3); turns > 0; turns--) yield;
      yield* this.#untilReading();
      if (this.fed >= this.#breaksAt) return this.#break();
      if (this.fed === this.data.length) break;
      this.#feedPiece(random.int(0, random.pick([1, 5, 40])));
    }
    this.ended = true;
    this.reader.feedEof();
    if (random.int(0, 7) === 0) {
      yield;
      this.#break();
    }
  }

  #break(): void {
    this.broken = true;
    this.reader.setException(reset);
  }

  *#untilReading(): Steps<void> {
    let turns = 0;
    while (!this.reading) {
      yield;
      // The program may take its time before it reads on; a read that waits may not.
      turns = String(this.reader).includes("waiter=") ? turns + 1 : 0;
      assert.ok(turns < PATIENCE, "a read waits for a transport that is paused");
    }
  }

  #feedPiece(size: number): void {
    const piece = this.data.subarray(this.fed, this.fed + size);
    const wasReading = this.reading;
    this.fed += piece.length;
    this.reader.feedData(this.#random.pick<BytesLike>([piece, piece.toString(), new Uint8Array(piece)]));
    if (this.transport === null || this.draining || piece.length === 0) return;
    assert.equal(
      this.reading,
      wasReading && this.held.length <= 2 * this.limit,
      "paused above twice the limit",
    );
  }

  /** What must be so whenever no read is under way. */
  checkState(): void {
    const { reader, transport } = this;
    assert.equal(reader.atEof(), this.ended && this.held.length === 0);
    assert.equal(reader.exception(), this.broken ? reset : null);
    if (this.held.length <= this.limit && !this.ended && !this.broken) assert.ok(this.reading, "resumed");
    transport?.calls.forEach((call, index) => {
      assert.equal(call, index % 2 === 0 ? "pauseReading" : "resumeReading");
    });
  }
}

/** A read, and the check of what came of it: the value, or the error. */
export interface Operation {
  readonly name: string;
  read(on: Flavour["on"]): Steps<Buffer>;
  check(value: Buffer | null, error: unknown): void;
}

function gives(source: Source, expected: Buffer, actual: Buffer | null): void {
  assert.equal(actual?.toString(), expected.toString());
  source.position += expected.length;
}

function givesUp(source: Source, error: unknown, expected: number | null): void {
  assert.ok(error instanceof IncompleteReadError);
  assert.ok(source.ended, "the end has come");
  assert.equal(error.expected, expected);
  gives(source, source.rest, error.partial);
}

function read(source: Source, n: number): Operation {
  return {
    name: `read(${n})`,
    read: (on) => on(source.reader.read(n)),
    check(value) {
      const expected = source.held.subarray(0, n);
      assert.ok(n === 0 || expected.length > 0 || source.ended, "it waits while there is nothing");
      gives(source, expected, value);
    },
  };
}

export function readAll(source: Source, n: number | undefined): Operation {
  return {
    name: `read(${n})`,
    read: (on) => {
      source.draining = true;
      return on(source.reader.read(n));
    },
    check: (value) => gives(source, source.rest, value),
  };
}

function readexactly(source: Source, n: number): Operation {
  return {
    name: `readexactly(${n})`,
    read: (on) => on(source.reader.readexactly(n)),
    check(value, error) {
      if (source.rest.length >= n) gives(source, source.rest.subarray(0, n), value);
      else givesUp(source, error, n);
    },
  };
}

/** Where the first separator stands: the one that ends first, and of those the shortest. Byte by byte. */
function firstMatch(data: Buffer, separators: string[]): { start: number; end: number } | null {
  const text = data.toString();
  for (let end = 1; end <= text.length; end++) {
    const ending = separators.filter((one) => text.endsWith(one, end)).map((one) => one.length);
    if (ending.length > 0) return { start: end - Math.min(...ending), end };
  }
  return null;
}

function readuntil(source: Source, separators: string[], argument: BytesLike | BytesLike[]): Operation {
  return {
    name: `readuntil(${JSON.stringify(separators)})`,
    read: (on) => on(source.reader.readuntil(argument)),
    check(value, error) {
      const { rest, limit } = source;
      const match = firstMatch(rest, separators);
      if (match !== null && match.start <= limit) return gives(source, rest.subarray(0, match.end), value);
      const longest = Math.max(...separators.map((one) => one.length));
      if (match === null && rest.length + 1 - longest <= limit) return givesUp(source, error, null);
      assert.ok(error instanceof LimitOverrunError);
      const seen = source.held.length;
      const found = match !== null && match.end <= seen;
      assert.equal(error.consumed, found ? match.start : seen + 1 - longest);
    },
  };
}

function readline(source: Source, name: string, read: Operation["read"]): Operation {
  return {
    name,
    read,
    check(value, error) {
      const { rest, limit } = source;
      const newline = rest.indexOf("\n");
      const line = newline < 0 ? rest : rest.subarray(0, newline + 1);
      if (newline < 0 && rest.length <= limit) assert.ok(source.ended, "the end has come");
      if ((newline < 0 ? rest.length : newline) <= limit) return gives(source, line, value);
      assert.ok(error instanceof ValueError);
      source.position = newline < 0 ? source.fed : Math.min(source.fed, source.position + line.length);
    },
  };
}

/** A step of `for await`; no line at the end. */
function next(source: Source): Operation {
  return readline(source, "next()", function* (on) {
    const { done, value } = yield* on(
      source.reader[Symbol.asyncIterator]().next() as Coroutine<IteratorResult<Buffer, undefined>>,
    );
    assert.equal(value === undefined, done);
    return value ?? Buffer.alloc(0);
  });
}

/** A way to read, at random. */
export function choose(random: Random, source: Source): Operation {
  const several = Array.from({ length: random.int(1, 4) }, () => random.pick(SEPARATORS));
  const one = random.pick(SEPARATORS);
  switch (random.int(0, 9)) {
    case 0:
    case 1:
      return read(source, random.int(0, 10));
    case 2:
    case 3:
      return readexactly(source, random.int(0, 20));
    case 4:
      return readline(source, "readline()", (on) => on(source.reader.readline()));
    case 5:
      return next(source);
    case 6:
      return random.int(0, 2) === 0 ? readAll(source, random.pick([-1, -5, undefined])) : read(source, 1);
    case 7:
      return readuntil(
        source,
        [one],
        random.pick<BytesLike>([one, Buffer.from(one), new TextEncoder().encode(one)]),
      );
    default:
      return readuntil(
        source,
        several,
        several.map((each) => random.pick<BytesLike>([each, Buffer.from(each)])),
      );
  }
}
