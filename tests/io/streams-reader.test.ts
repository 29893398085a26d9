import assert from "node:assert/strict";
import { test } from "node:test";
import { osError } from "../../src/core/errors.ts";
import {
  BaseEventLoop,
  createTask,
  getRunningLoop,
  IncompleteReadError,
  RuntimeError,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour } from "../flavours.ts";
import { FakeTransport, failure, fed, paused, text } from "./streams-support.ts";

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

inEachFlavour("atEof() is true when everything was read and nothing will come", function* ({ on }) {
  const reader = fed("ab");
  assert.equal(reader.atEof(), false);
  reader.feedEof();
  assert.equal(reader.atEof(), false);
  yield* on(reader.read());
  assert.equal(reader.atEof(), true);
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

inEachFlavour("an n that is no integer is a TypeError", function* ({ on }) {
  const reader = fed("abc");
  for (const n of [1.5, Number.NaN, "2" as unknown as number, null as unknown as number]) {
    assert.ok((yield* failure(on, reader.read(n))) instanceof TypeError);
    assert.ok((yield* failure(on, reader.readexactly(n))) instanceof TypeError);
  }
});

inEachFlavour("readexactly() of a negative number is a ValueError", function* ({ on }) {
  assert.ok((yield* failure(on, fed("abc").readexactly(-1))) instanceof ValueError);
});

inEachFlavour("feeding after the end is a RuntimeError, and so is a second transport", function* () {
  const reader = fed("", { eof: true });
  assert.throws(() => reader.feedData("x"), RuntimeError);
  assert.throws(() => reader.feedData(""), RuntimeError);
  assert.throws(() => new StreamReader().feedData(1 as unknown as string), TypeError);
  reader.setTransport(new FakeTransport());
  assert.throws(() => reader.setTransport(new FakeTransport()), RuntimeError);
});
