import assert from "node:assert/strict";
import {
  type Awaitable,
  CancelledError,
  createTask,
  IncompleteReadError,
  LimitOverrunError,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { FakeTransport, Random } from "./streams-support.ts";

const CASES = 3000;
const ALPHABET = "aab\n";
const SEPARATORS = ["\n", "b", "aa", "ab", "aab", "ba\n", "aaaa", "x", "bbbbb"];

/** What comes in, and how much of it has: the oracle looks at the whole, the reader gets it in pieces. */
class Source {
  readonly data: Buffer;
  readonly reader: StreamReader;
  readonly limit: number;
  readonly transport = new FakeTransport();
  fed = 0;
  /** How much had been fed when the last read ended. */
  seen = 0;
  /** How much of it the reads have given. */
  position = 0;

  constructor(random: Random) {
    this.data = random.bytes(random.int(0, 60), ALPHABET);
    this.limit = random.pick([1, 2, 5, 10, 1000]);
    this.reader = new StreamReader({ limit: this.limit });
    this.reader.setTransport(this.transport);
  }

  get rest(): Buffer {
    return this.data.subarray(this.position);
  }

  /** Like a transport, feeds nothing while it is paused. */
  *feed(random: Random): Steps<void> {
    while (this.fed < this.data.length) {
      for (let turns = random.int(0, 3); turns > 0; turns--) yield;
      if (!this.transport.isReading()) {
        yield;
        continue;
      }
      const size = random.int(1, random.pick([1, 5, 40]));
      const piece = this.data.subarray(this.fed, this.fed + size);
      this.fed += piece.length;
      this.reader.feedData(piece);
    }
    yield;
    this.reader.feedEof();
  }
}

/** A read, and the check of what came of it: the value, or the error. */
interface Operation {
  read(): Awaitable<Buffer>;
  check(value: Buffer | null, error: unknown): void;
}

function gives(source: Source, expected: Buffer, actual: Buffer | null): void {
  assert.deepEqual(actual?.toString(), expected.toString());
  source.position += expected.length;
}

function read(source: Source, n: number): Operation {
  return {
    read: () => source.reader.read(n),
    check: (value) => gives(source, source.data.subarray(source.position, source.seen).subarray(0, n), value),
  };
}

function readAll(source: Source): Operation {
  return { read: () => source.reader.read(), check: (value) => gives(source, source.rest, value) };
}

function readexactly(source: Source, n: number): Operation {
  return {
    read: () => source.reader.readexactly(n),
    check(value, error) {
      const { rest } = source;
      if (rest.length >= n) return gives(source, rest.subarray(0, n), value);
      assert.ok(error instanceof IncompleteReadError);
      assert.equal(error.expected, n);
      gives(source, rest, error.partial);
    },
  };
}

/** Where the first separator stands: the one that ends first, and of those the shortest. Byte by byte. */
function firstMatch(data: Buffer, separators: string[]): { start: number; end: number } | null {
  const text = data.toString();
  for (let end = 1; end <= text.length; end++) {
    const ending = separators.filter((one) => text.slice(0, end).endsWith(one)).map((one) => one.length);
    if (ending.length > 0) return { start: end - Math.min(...ending), end };
  }
  return null;
}

function readuntil(source: Source, separators: string[]): Operation {
  return {
    read: () => source.reader.readuntil(separators.length === 1 ? separators[0]! : separators),
    check(value, error) {
      const { rest, limit } = source;
      const match = firstMatch(rest, separators);
      if (match !== null && match.start <= limit) return gives(source, rest.subarray(0, match.end), value);
      const longest = Math.max(...separators.map((one) => one.length));
      if (match === null && rest.length + 1 - longest <= limit) {
        assert.ok(error instanceof IncompleteReadError);
        return gives(source, rest, error.partial);
      }
      assert.ok(error instanceof LimitOverrunError);
      const seen = source.seen - source.position;
      const found = match !== null && match.end <= seen;
      assert.equal(error.consumed, found ? match.start : seen + 1 - longest);
    },
  };
}

function readline(source: Source): Operation {
  return {
    read: () => source.reader.readline(),
    check(value, error) {
      const { rest, limit } = source;
      const newline = rest.indexOf("\n");
      const line = newline < 0 ? rest : rest.subarray(0, newline + 1);
      if ((newline < 0 ? rest.length : newline) <= limit) return gives(source, line, value);
      assert.ok(error instanceof ValueError);
      source.position = newline < 0 ? source.seen : Math.min(source.seen, source.position + line.length);
    },
  };
}

function choose(random: Random, source: Source): Operation {
  switch (random.int(0, 9)) {
    case 0:
    case 1:
      return read(source, random.int(0, 10));
    case 2:
    case 3:
      return readexactly(source, random.int(0, 20));
    case 4:
    case 5:
      return readline(source);
    case 6:
      return readAll(source);
    case 7:
      return readuntil(source, [random.pick(SEPARATORS)]);
    default:
      return readuntil(
        source,
        Array.from({ length: random.int(1, 4) }, () => random.pick(SEPARATORS)),
      );
  }
}

/** Read; perhaps in a task of its own, which is cancelled after some turns: then nothing may have been taken. */
function* carryOut(random: Random, source: Source, flavour: Flavour, operation: Operation): Steps<void> {
  const { on, coroutine } = flavour;
  const reading = coroutine(function* () {
    try {
      return yield* on(operation.read());
    } finally {
      source.seen = source.fed;
    }
  });
  const impatient = random.int(0, 3) === 0;
  const task = impatient ? createTask(reading()) : null;
  for (let turns = random.int(0, 3); impatient && turns > 0; turns--) yield* on(sleep(0));
  task?.cancel();
  let value: Buffer | null = null;
  let error: unknown = null;
  try {
    value = yield* on(task ?? reading());
  } catch (thrown) {
    if (task !== null && thrown instanceof CancelledError) return;
    error = thrown;
  }
  operation.check(value, error);
}

inEachFlavour(`${CASES} random streams are read as an oracle says`, function* (flavour) {
  for (let seed = 0; seed < CASES; seed++) {
    const random = new Random(seed);
    const source = new Source(random);
    const feeding = createTask(source.feed(new Random(seed + 1e6)));
    try {
      for (let step = 0; step < 12; step++) yield* carryOut(random, source, flavour, choose(random, source));
      yield* carryOut(random, source, flavour, readAll(source));
    } catch (error) {
      throw new Error(`with seed ${seed}`, { cause: error });
    }
    feeding.cancel();
  }
});
