import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BaseEventLoop,
  type Coroutine,
  createTask,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour } from "../flavours.ts";
import { failure, fed, paused, text } from "./streams-support.ts";

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
