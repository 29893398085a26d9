import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  ConcurrentFuture,
  getRunningLoop,
  RuntimeError,
  runCoroutineThreadsafe,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects } from "../helpers.ts";
import { backends } from "../io/backends.ts";

inEachFlavour(
  "a coroutine runs in a loop of this thread, and its result comes",
  function* ({ on, coroutine }) {
    const double = coroutine(function* (n: number) {
      yield* on(sleep(1));
      return 2 * n;
    });
    const future = runCoroutineThreadsafe(double(21), getRunningLoop());
    assert.ok(future instanceof ConcurrentFuture);
    assert.throws(() => future.result(), { name: "RuntimeError", message: /await it/ });
    assert.equal(yield* on(future), 42);
    assert.equal(future.result(), 42);
  },
);

inEachFlavour("its error comes as it is", function* ({ on, coroutine }) {
  const error = new ValueError("no");
  const fail = coroutine(function* () {
    yield* on(sleep(1));
    throw error;
  });
  const future = runCoroutineThreadsafe(fail(), getRunningLoop());
  assert.equal(yield* rejects(on(future), ValueError), error);
  assert.equal(future.exception(), error);
});

inEachFlavour("what it throws is kept as it is, even if that is null", function* ({ on, coroutine }) {
  const fail = coroutine(function* () {
    yield* on(sleep(1));
    throw null;
  });
  const future = runCoroutineThreadsafe(fail(), getRunningLoop());
  let thrown: unknown = "nothing";
  try {
    yield* on(future);
  } catch (error) {
    thrown = error;
  }
  assert.equal(thrown, null);
});

inEachFlavour("cancelling the future cancels the task", function* ({ on, coroutine }) {
  const ends: string[] = [];
  const forever = coroutine(function* () {
    try {
      yield* on(sleep(1000));
    } catch (error) {
      ends.push((error as Error).name);
      throw error;
    }
  });
  const future = runCoroutineThreadsafe(forever(), getRunningLoop());
  yield* on(sleep(1));
  assert.equal(future.cancel(), true);
  assert.equal(future.cancelled(), true);
  yield* on(sleep(1));
  assert.deepEqual(ends, ["CancelledError"]);
});

inEachFlavour(
  "cancelling it before its turn lets it begin, and cancels it there, as in CPython",
  function* ({ on, coroutine }) {
    const events: string[] = [];
    const forever = coroutine(function* () {
      events.push("begun");
      try {
        yield* on(sleep(1000));
      } catch (error) {
        events.push((error as Error).name);
        throw error;
      }
    });
    const future = runCoroutineThreadsafe(forever(), getRunningLoop());
    assert.equal(future.cancel(), true);
    yield* on(sleep(1));
    assert.deepEqual(events, ["begun", "CancelledError"]);
  },
);

inEachFlavour(
  "a coroutine that is cancelled by somebody else cancels the future",
  function* ({ on, coroutine }) {
    const give = coroutine(function* () {
      yield* on(sleep(1));
      throw new CancelledError();
    });
    const future = runCoroutineThreadsafe(give(), getRunningLoop());
    yield* on(sleep(2));
    assert.equal(future.cancelled(), true);
  },
);

inEachFlavour(
  "one that was awaited before is a RuntimeError, which is also reported",
  function* ({ on, coroutine }) {
    const reports = collectReports();
    const used = coroutine(function* () {})();
    yield* on(used);
    const future = runCoroutineThreadsafe(used, getRunningLoop());
    yield* rejects(on(future), RuntimeError, /already awaited/);
    assert.equal(reports.length, 1);
  },
);

test("what is no coroutine, and what is no loop, is a TypeError", () => {
  using loop = newLoop();
  const wrong = [() => {}, async () => {}, Promise.resolve(), 1, null];
  for (const one of wrong) {
    assert.throws(() => runCoroutineThreadsafe(one as never, loop), {
      name: "TypeError",
      message: /^a coroutine was expected, not/,
    });
  }
  for (const one of [null, {}, "loop"]) {
    assert.throws(() => runCoroutineThreadsafe(sleep(0) as never, one as never), {
      name: "TypeError",
      message: /^a loop, or a RemoteLoop, was expected/,
    });
  }
});

test("a loop that is closed is a RuntimeError", () => {
  const loop = newLoop();
  loop.close();
  const coroutine = sleep(0);
  assert.throws(() => runCoroutineThreadsafe(coroutine, loop), { name: "RuntimeError" });
  coroutine.close();
});

for (const backend of backends) {
  test(`callSoonThreadsafe wakes a loop that sleeps (${backend.name})`, { skip: backend.skip }, async () => {
    using loop = backend.makeLoop();
    const order: string[] = [];
    setImmediate(() => {
      loop.callSoonThreadsafe((what: string) => order.push(what), "called");
      loop.callSoonThreadsafe(() => loop.stop());
    });
    await loop.runForever();
    assert.deepEqual(order, ["called"]);
  });
}

test("callSoonThreadsafe gives a handle, and throws as callSoon does", () => {
  const loop = newLoop();
  const handle = loop.callSoonThreadsafe(() => {});
  handle.cancel();
  assert.equal(handle.cancelled(), true);
  assert.throws(() => loop.callSoonThreadsafe(1 as never), TypeError);
  loop.close();
  assert.throws(() => loop.callSoonThreadsafe(() => {}), RuntimeError);
});
