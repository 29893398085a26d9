import assert from "node:assert/strict";
import { test } from "node:test";
import { osError } from "../../src/core/errors.ts";
import {
  type Awaitable,
  BaseEventLoop,
  CancelledError,
  type Coroutine,
  createTask,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  RuntimeError,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { FakeTransport } from "./streams-support.ts";

function fed(data: string, { eof = false, limit = 64 * 1024 } = {}): StreamReader {
  const reader = new StreamReader({ limit });
  reader.feedData(data);
  if (eof) reader.feedEof();
  return reader;
}

/** The text that a read gives. */
function* text(on: Flavour["on"], read: Awaitable<Buffer>): Steps<string> {
  return (yield* on(read)).toString();
}

/** The error that a read throws. */
function* failure(on: Flavour["on"], read: Awaitable<Buffer>): Steps<unknown> {
  try {
    yield* on(read);
  } catch (error) {
    return error;
  }
  throw new Error("no error was thrown");
}

function paused(limit: number): { reader: StreamReader; transport: FakeTransport } {
  const reader = new StreamReader({ limit });
  const transport = new FakeTransport();
  reader.setTransport(transport);
  return { reader, transport };
}

test("a limit that is not above 0 is a ValueError", () => {
  const loop = new BaseEventLoop(new VirtualClock());
  for (const limit of [0, -1, Number.NaN]) assert.throws(() => new StreamReader({ limit, loop }), ValueError);
  loop.close();
});

test("without a loop a reader cannot be made", () => {
  assert.throws(() => new StreamReader(), RuntimeError);
});

inEachFlavour("read(n) gives what there is, up to n bytes, without a turn of the loop", function* ({ on }) {
  const reader = fed("hello");
  let turns = 0;
  getRunningLoop().callSoon(() => turns++);
  assert.equal(yield* text(on, reader.read(3)), "hel");
  assert.equal(yield* text(on, reader.read(3)), "lo");
  assert.equal(turns, 0);
});

inEachFlavour("read(0) gives nothing, and does not wait", function* ({ on }) {
  assert.equal((yield* on(new StreamReader().read(0))).length, 0);
});

inEachFlavour("read(n) waits while there is nothing, and no longer", function* ({ on }) {
  const reader = new StreamReader();
  const read = createTask(reader.read(100));
  yield* on(sleep(1));
  reader.feedData("");
  yield* on(sleep(1));
  assert.equal(read.done(), false);
  reader.feedData("ab");
  assert.equal(yield* text(on, read), "ab");
});

inEachFlavour("read() gives everything until the end", function* ({ on }) {
  const reader = new StreamReader({ limit: 4 });
  const read = createTask(reader.read());
  for (const piece of ["ab", "cdefghijklm", "n"]) {
    yield* on(sleep(1));
    reader.feedData(piece);
  }
  yield* on(sleep(1));
  assert.equal(read.done(), false);
  reader.feedEof();
  assert.equal(yield* text(on, read), "abcdefghijklmn");
  assert.equal(yield* text(on, reader.read()), "");
});

inEachFlavour(
  "read() takes out what comes, so that the transport is not paused for long",
  function* ({ on }) {
    const { reader, transport } = paused(4);
    const read = createTask(reader.read());
    for (let i = 0; i < 4; i++) {
      yield* on(sleep(1));
      reader.feedData("12345678");
    }
    assert.deepEqual(transport.calls, []);
    reader.feedEof();
    assert.equal((yield* on(read)).length, 32);
  },
);

inEachFlavour("at the end every read gives nothing", function* ({ on }) {
  const reader = fed("", { eof: true });
  assert.equal(yield* text(on, reader.read(10)), "");
  assert.equal(yield* text(on, reader.read()), "");
  assert.equal(yield* text(on, reader.readline()), "");
  assert.equal(yield* text(on, reader.readexactly(0)), "");
});

inEachFlavour("the end wakes a read that waits", function* ({ on }) {
  const reader = new StreamReader();
  getRunningLoop().callLater(1, () => reader.feedEof());
  assert.equal(yield* text(on, reader.read(10)), "");
});

inEachFlavour("an n that is no integer is a TypeError", function* ({ on }) {
  const reader = fed("abc");
  for (const n of [1.5, Number.NaN, "2" as unknown as number, null as unknown as number]) {
    assert.ok((yield* failure(on, reader.read(n))) instanceof TypeError);
    assert.ok((yield* failure(on, reader.readexactly(n))) instanceof TypeError);
  }
});

inEachFlavour("readexactly(n) waits for n bytes, and leaves the rest", function* ({ on }) {
  const reader = fed("abc");
  getRunningLoop().callLater(1, () => reader.feedData("defg"));
  assert.equal(yield* text(on, reader.readexactly(5)), "abcde");
  assert.equal(yield* text(on, reader.readexactly(2)), "fg");
});

inEachFlavour("readexactly(n) at the end tells what there was, and takes it out", function* ({ on }) {
  const reader = fed("abc", { eof: true });
  const error = yield* failure(on, reader.readexactly(5));
  assert.ok(error instanceof IncompleteReadError);
  assert.equal(error.partial.toString(), "abc");
  assert.equal(error.expected, 5);
  assert.ok(reader.atEof());
});

inEachFlavour("readexactly() of a negative number is a ValueError", function* ({ on }) {
  assert.ok((yield* failure(on, fed("abc").readexactly(-1))) instanceof ValueError);
});

inEachFlavour("readexactly(n) may want more than twice the limit", function* ({ on }) {
  const { reader, transport } = paused(4);
  const read = createTask(reader.readexactly(30));
  for (let i = 0; i < 3; i++) {
    yield* on(sleep(1));
    assert.ok(transport.isReading());
    reader.feedData("0123456789");
  }
  assert.equal((yield* on(read)).length, 30);
});

inEachFlavour("readline() gives line after line, then what is left, then nothing", function* ({ on }) {
  const reader = fed("one\ntwo\n\nthree", { eof: true });
  for (const line of ["one\n", "two\n", "\n", "three", ""]) {
    assert.equal(yield* text(on, reader.readline()), line);
  }
});

inEachFlavour("readline() puts together a line that comes in pieces", function* ({ on }) {
  const reader = new StreamReader();
  const line = createTask(reader.readline());
  for (const piece of ["h", "el", "lo\nwor"]) {
    yield* on(sleep(1));
    reader.feedData(piece);
  }
  assert.equal(yield* text(on, line), "hello\n");
  reader.feedData("ld\n");
  assert.equal(yield* text(on, reader.readline()), "world\n");
});

inEachFlavour("a line may be as long as the limit, without its newline", function* ({ on }) {
  const reader = fed("1234\n12345\n", { limit: 4 });
  assert.equal(yield* text(on, reader.readline()), "1234\n");
  assert.ok((yield* failure(on, reader.readline())) instanceof ValueError);
});

inEachFlavour("readline() drops a line that is too long, if its end has come", function* ({ on }) {
  const reader = fed("too long\nok\n", { limit: 4 });
  const error = yield* failure(on, reader.readline());
  assert.ok(error instanceof ValueError);
  assert.ok(error.cause instanceof LimitOverrunError);
  assert.equal(yield* text(on, reader.readline()), "ok\n");
});

inEachFlavour("readline() drops all there is of a line that is too long and goes on", function* ({ on }) {
  const reader = fed("too long", { limit: 4 });
  assert.ok((yield* failure(on, reader.readline())) instanceof ValueError);
  reader.feedData(" it was\nok\n");
  assert.ok((yield* failure(on, reader.readline())) instanceof ValueError);
  assert.equal(yield* text(on, reader.readline()), "ok\n");
});

inEachFlavour("dropping a line resumes the transport", function* ({ on }) {
  const { reader, transport } = paused(4);
  reader.feedData("0123456789");
  assert.ok((yield* failure(on, reader.readline())) instanceof ValueError);
  assert.deepEqual(transport.calls, ["pauseReading", "resumeReading"]);
});

inEachFlavour("readuntil() takes any separator, as a string or as bytes", function* ({ on }) {
  const reader = fed("a--b\0c\n");
  assert.equal(yield* text(on, reader.readuntil("--")), "a--");
  assert.equal(yield* text(on, reader.readuntil(new Uint8Array([0]))), "b\0");
  assert.equal(yield* text(on, reader.readuntil()), "c\n");
});

inEachFlavour("a separator may be cut between chunks", function* ({ on }) {
  const reader = new StreamReader();
  const read = createTask(reader.readuntil("END"));
  for (const piece of ["xEN", "END", "rest"]) {
    yield* on(sleep(1));
    reader.feedData(piece);
  }
  assert.equal(yield* text(on, read), "xENEND");
  assert.equal(yield* text(on, reader.read(10)), "rest");
});

inEachFlavour("of several separators the one that ends first counts", function* ({ on }) {
  const reader = fed("aXXXbYcZ");
  const separators = ["XXX", "Y", Buffer.from("bY")];
  assert.equal(yield* text(on, reader.readuntil(separators)), "aXXX");
  assert.equal(yield* text(on, reader.readuntil(separators)), "bY");
  assert.equal(yield* text(on, reader.readuntil(["Z", "cZ"])), "cZ");
});

inEachFlavour("of separators that end together the shorter one counts for the limit", function* ({ on }) {
  const long = yield* failure(on, fed("12345ab", { limit: 5 }).readuntil(["b", "ab"]));
  assert.ok(long instanceof LimitOverrunError);
  assert.equal(long.consumed, 6);
  assert.equal(yield* text(on, fed("12345ab", { limit: 5 }).readuntil("ab")), "12345ab");
});

inEachFlavour("an empty separator, or none, is a ValueError", function* ({ on }) {
  for (const separator of ["", [], ["a", ""]]) {
    assert.ok((yield* failure(on, fed("abc").readuntil(separator))) instanceof ValueError);
  }
  const wrong = [1] as unknown as string;
  assert.ok((yield* failure(on, fed("abc").readuntil(wrong))) instanceof TypeError);
});

inEachFlavour("readuntil() at the end tells what there was, and takes it out", function* ({ on }) {
  const reader = fed("abcEN", { eof: true });
  const error = yield* failure(on, reader.readuntil("END"));
  assert.ok(error instanceof IncompleteReadError);
  assert.equal(error.partial.toString(), "abcEN");
  assert.equal(error.expected, null);
  assert.ok(reader.atEof());
});

inEachFlavour(
  "readuntil() over the limit leaves the data, and tells how much is no separator",
  function* ({ on }) {
    const found = fed("123456END", { limit: 5 });
    let error = yield* failure(on, found.readuntil("END"));
    assert.ok(error instanceof LimitOverrunError);
    assert.equal(error.consumed, 6);
    assert.equal(yield* text(on, found.readexactly(9)), "123456END");

    const missing = fed("12345678EN", { limit: 5 });
    error = yield* failure(on, missing.readuntil("END"));
    assert.ok(error instanceof LimitOverrunError);
    assert.equal(error.consumed, 10 + 1 - 3);
    assert.equal(yield* text(on, missing.readexactly(10)), "12345678EN");
  },
);

inEachFlavour("before the separator there may be as many bytes as the limit", function* ({ on }) {
  assert.equal(yield* text(on, fed("12345END", { limit: 5 }).readuntil("END")), "12345END");
  const reader = fed("12345EN", { limit: 5 });
  getRunningLoop().callLater(1, () => reader.feedData("D"));
  assert.equal(yield* text(on, reader.readuntil("END")), "12345END");
});

inEachFlavour("the transport is paused above twice the limit, and resumed within it", function* ({ on }) {
  const { reader, transport } = paused(4);
  reader.feedData("12345678");
  assert.deepEqual(transport.calls, []);
  reader.feedData("9");
  reader.feedData("0");
  assert.deepEqual(transport.calls, ["pauseReading"]);
  yield* on(reader.read(5));
  assert.deepEqual(transport.calls, ["pauseReading"]);
  yield* on(reader.readexactly(1));
  assert.deepEqual(transport.calls, ["pauseReading", "resumeReading"]);
});

inEachFlavour("a transport that cannot be paused is asked once", function* ({ on }) {
  const { reader, transport } = paused(1);
  transport.pausable = false;
  reader.feedData("12345678");
  transport.pausable = true;
  reader.feedData("9");
  assert.equal(yield* text(on, reader.readexactly(9)), "123456789");
  assert.deepEqual(transport.calls, []);
});

inEachFlavour("a second read that must wait is a RuntimeError that names it", function* ({ on }) {
  const reader = new StreamReader();
  const first = createTask(reader.readexactly(10));
  yield* on(sleep(0));
  const reads: [string, Coroutine<Buffer>][] = [
    ["read", reader.read(1)],
    ["read", reader.read()],
    ["readexactly", reader.readexactly(1)],
    ["readline", reader.readline()],
    ["readuntil", reader.readuntil("x")],
  ];
  for (const [name, read] of reads) {
    const error = yield* failure(on, read);
    assert.ok(error instanceof RuntimeError);
    assert.match(error.message, new RegExp(`^${name}\\(\\)`));
  }
  reader.feedData("0123456789");
  assert.equal(yield* text(on, first), "0123456789");
});

inEachFlavour("a second read is served from what there is", function* ({ on }) {
  const reader = new StreamReader();
  const first = createTask(reader.readexactly(10));
  yield* on(sleep(0));
  reader.feedData("abc");
  yield* on(sleep(1));
  assert.equal(yield* text(on, reader.read(1)), "a");
  reader.feedData("0123456789");
  assert.equal(yield* text(on, first), "bc01234567");
});

inEachFlavour("a read that was woken waits again if another one was faster", function* ({ on }) {
  const reader = new StreamReader();
  const first = createTask(reader.read(10));
  const line = createTask(reader.readuntil("b"));
  yield* on(sleep(0));
  assert.ok((yield* failure(on, line)) instanceof RuntimeError);
  // Queued ahead of the wake-up, so it takes the data.
  const faster = createTask(reader.read(10));
  reader.feedData("ab");
  assert.equal(yield* text(on, faster), "ab");
  yield* on(sleep(1));
  assert.equal(first.done(), false);
  reader.feedData("cd");
  assert.equal(yield* text(on, first), "cd");
});

inEachFlavour(
  "a read that was woken in vain does not disturb the one that waits",
  function* ({ on, coroutine }) {
    const reader = new StreamReader();
    const late = createTask(reader.read(10));
    yield* on(sleep(0));
    const twice = coroutine(function* () {
      return `${yield* on(reader.read(10))}${yield* on(reader.read(10))}`;
    });
    const faster = createTask(twice());
    reader.feedData("ab");
    assert.ok((yield* failure(on, late)) instanceof RuntimeError);
    reader.feedData("cd");
    assert.equal(yield* on(faster), "abcd");
  },
);

inEachFlavour("a search starts anew when another read took what it had searched", function* ({ on }) {
  const reader = fed("aaaa");
  const search = createTask(reader.readuntil("b"));
  yield* on(sleep(0));
  assert.equal(yield* text(on, reader.read(10)), "aaaa");
  reader.feedData("b");
  assert.equal(yield* text(on, search), "b");
});

inEachFlavour("cancelling a read loses nothing", function* ({ on }) {
  const reader = new StreamReader({ limit: 4 });
  const reads = [
    () => reader.read(),
    () => reader.readexactly(100),
    () => reader.readline(),
    () => reader.readuntil(["--", "!"]),
  ];
  for (const read of reads) {
    const task = createTask(read());
    yield* on(sleep(1));
    reader.feedData("ab");
    yield* on(sleep(1));
    reader.feedData("c");
    task.cancel();
    assert.ok((yield* failure(on, task)) instanceof CancelledError);
    assert.equal(yield* text(on, reader.readexactly(3)), "abc");
  }
});

inEachFlavour("cancelling in the same turn as data comes loses nothing", function* ({ on }) {
  const reader = new StreamReader();
  for (const [first, second] of [
    ["feed", "cancel"],
    ["cancel", "feed"],
  ]) {
    const task = createTask(reader.read(10));
    yield* on(sleep(1));
    for (const step of [first, second]) {
      if (step === "feed") reader.feedData("abc");
      else task.cancel();
    }
    assert.ok((yield* failure(on, task)) instanceof CancelledError);
    assert.equal(yield* text(on, reader.read(10)), "abc");
  }
});

inEachFlavour("an error fails the read that waits, and every later one", function* ({ on }) {
  const reader = new StreamReader();
  const error = osError("ECONNRESET", "gone");
  getRunningLoop().callLater(1, () => reader.setException(error));
  assert.equal(yield* failure(on, reader.readline()), error);
  for (const read of [
    reader.read(1),
    reader.read(),
    reader.readexactly(1),
    reader.readline(),
    reader.readuntil("x"),
  ]) {
    assert.equal(yield* failure(on, read), error);
  }
  assert.equal(reader.exception(), error);
});

inEachFlavour("an error beats data that came before it", function* ({ on }) {
  const reader = fed("line\n");
  const error = osError("ECONNRESET", "gone");
  assert.equal(reader.exception(), null);
  reader.setException(error);
  for (const read of [
    reader.read(1),
    reader.read(0),
    reader.readexactly(0),
    reader.readline(),
    reader.readuntil("x"),
  ]) {
    assert.equal(yield* failure(on, read), error);
  }
});

inEachFlavour(
  "an error that comes between data and the read's turn does not leave it waiting",
  function* ({ on }) {
    const reader = new StreamReader();
    const error = osError("ECONNRESET", "gone");
    const read = createTask(reader.readexactly(10));
    yield* on(sleep(0));
    reader.feedData("abc");
    reader.setException(error);
    assert.equal(yield* failure(on, read), error);
  },
);

inEachFlavour("atEof() is true when everything was read and nothing will come", function* ({ on }) {
  const reader = fed("ab");
  assert.equal(reader.atEof(), false);
  reader.feedEof();
  assert.equal(reader.atEof(), false);
  yield* on(reader.read());
  assert.equal(reader.atEof(), true);
});

inEachFlavour("feeding after the end is a RuntimeError, and so is a second transport", function* () {
  const reader = fed("", { eof: true });
  assert.throws(() => reader.feedData("x"), RuntimeError);
  assert.throws(() => reader.feedData(""), RuntimeError);
  assert.throws(() => new StreamReader().feedData(1 as unknown as string), TypeError);
  reader.setTransport(new FakeTransport());
  assert.throws(() => reader.setTransport(new FakeTransport()), RuntimeError);
});

inEachFlavour("its iterator gives the lines, in either flavour", function* ({ on }) {
  const lines = fed("a\nb\nc", { eof: true })[Symbol.asyncIterator]();
  const seen: string[] = [];
  for (;;) {
    const step = yield* on(lines.next() as Coroutine<IteratorResult<Buffer, undefined>>);
    if (step.done) break;
    seen.push(step.value.toString());
  }
  assert.deepEqual(seen, ["a\n", "b\n", "c"]);
});

test("for await gives the lines", async () => {
  const loop = new BaseEventLoop(new VirtualClock());
  const lines: string[] = [];
  await loop.runUntilComplete(async () => {
    const reader = fed("a\nb\n");
    loop.callLater(1, () => reader.feedData("c\nd"));
    loop.callLater(2, () => reader.feedEof());
    for await (const line of reader) lines.push(line.toString());
  });
  assert.deepEqual(lines, ["a\n", "b\n", "c\n", "d"]);
  loop.close();
});

inEachFlavour("it shows what state it is in", function* ({ on }) {
  const reader = new StreamReader();
  assert.equal(`${reader}`, "<StreamReader>");
  reader.feedData("abc");
  assert.equal(`${reader}`, "<StreamReader 3 bytes>");
  yield* on(reader.read(3));
  const read = createTask(reader.read(3));
  yield* on(sleep(0));
  assert.match(`${reader}`, /^<StreamReader waiter=<Future pending/);
  reader.feedEof();
  yield* on(read);
  assert.equal(`${reader}`, "<StreamReader eof>");
  const other = paused(5).reader;
  other.feedData("0123456789!");
  other.setException(osError("EPIPE", "gone"));
  assert.match(
    `${other}`,
    /^<StreamReader limit=5 11 bytes exception=BrokenPipeError: gone transport=<FakeTransport> paused>$/,
  );
});
