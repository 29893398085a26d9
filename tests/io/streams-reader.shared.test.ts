import assert from "node:assert/strict";
import { osError } from "../../src/core/errors.ts";
import {
  CancelledError,
  type Coroutine,
  createTask,
  getRunningLoop,
  RuntimeError,
  sleep,
} from "../../src/index.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { inEachFlavour } from "../flavours.ts";
import { failure, fed, text } from "./streams-support.ts";

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
