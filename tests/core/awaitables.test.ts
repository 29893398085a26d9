import assert from "node:assert/strict";
import { test } from "node:test";
import { isAwaitable, isGenerator, isThenable } from "../../src/core/awaitables.ts";
import {
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { customAwaitable, newLoop, rejects, takesNoTurn, turnsOf } from "../helpers.ts";

/** Run `plain` outside of any task while the loop runs, and the loop until its promise is settled. */
async function inPlainCode<T>(plain: () => Promise<T>): Promise<T> {
  using loop = newLoop();
  const run = loop.runForever();
  const outcome = plain();
  outcome.then(
    () => loop.stop(),
    () => loop.stop(),
  );
  await run;
  return outcome;
}

test("then, catch and finally of a future work outside of any task", async () => {
  const log: unknown[] = [];
  const result = await inPlainCode(() => {
    assert.equal(currentTask(), null);
    const good = new Future<number>();
    const bad = new Future<number>();
    getRunningLoop().callLater(1, () => good.setResult(1));
    getRunningLoop().callLater(2, () => bad.setException(new Error("mine")));
    good.finally(() => log.push("finally"));
    return Promise.all([
      good.then((value) => value + 1),
      good.then(null, () => "not called"),
      bad.catch((error) => String(error)),
      bad.then(
        () => "not called",
        (error) => `${error} too`,
      ),
      bad.finally(() => log.push("finally")).catch(() => "passed on"),
    ]);
  });
  assert.deepEqual(result, [2, 1, "Error: mine", "Error: mine too", "passed on"]);
  assert.deepEqual(log, ["finally", "finally"]);
});

test("a future that is done can be awaited outside of any task, without a loop that runs", async () => {
  using loop = newLoop();
  const good = loop.createFuture<number>();
  good.setResult(1);
  const bad = loop.createFuture<number>();
  bad.cancel("enough");
  assert.equal(await good, 1);
  await assert.rejects(Promise.resolve(bad), { name: "CancelledError", message: "enough" });
});

test("an error that a then-callback throws comes out of the promise it gave", async () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  future.setResult(1);
  const promise = future.then(() => {
    throw new TypeError("mine");
  });
  await assert.rejects(promise, TypeError);
});

test("a coroutine awaited outside of any task becomes a task of the running loop", async () => {
  const names = await inPlainCode(async () => {
    const name = coroutine(async () => currentTask()?.getName());
    return [await name(), await name()];
  });
  assert.match(String(names[0]), /^Task-\d+$/);
  assert.notEqual(names[0], names[1]);
});

test("a coroutine awaited without any loop is a RuntimeError", async () => {
  const coro = sleep(1);
  await assert.rejects(Promise.resolve(coro), { name: "RuntimeError", message: "no running event loop" });
  coro.close();
});

test("Promise.race and its kin take awaitables", async () => {
  const result = await inPlainCode(async () => [
    await Promise.race([sleep(1, "fast"), sleep(2, "slow")]),
    await Promise.any([sleep(3, "first")]),
    await Promise.allSettled([sleep(1, "settled")]),
  ]);
  assert.deepEqual(result, ["fast", "first", [{ status: "fulfilled", value: "settled" }]]);
});

inEachFlavour(
  "an awaitable of somebody else's making can be awaited, and made into a task",
  function* ({ on }) {
    assert.equal(yield* on(customAwaitable(sleep(1, "custom"))), "custom");
    const task = createTask(() => customAwaitable(sleep(1, "in a task")));
    assert.equal(yield* on(task), "in a task");
  },
);

inEachFlavour("a coroutine of the other flavour can be awaited", function* ({ name, on }) {
  const asynchronous = coroutine(async (n: number) => {
    await sleep(1);
    return n;
  });
  const generator = coroutine(function* (n: number) {
    yield* sleep(1);
    return n;
  });
  const other = name === "generator" ? asynchronous : generator;
  const task = createTask(other(1));
  assert.equal(yield* on(other(2)), 2);
  assert.equal(yield* on(task), 1);
});

/** Coroutines nested in each other, the flavours taking turns; the innermost one waits for `innermost`. */
function nest(depth: number, innermost: () => Future<number>): ReturnType<typeof sleep<number>> {
  if (depth === 0) return coroutine(() => innermost())();
  if (depth % 2 === 0) return coroutine(async () => nest(depth - 1, innermost))();
  return coroutine(function* () {
    return yield* nest(depth - 1, innermost);
  })();
}

inEachFlavour("flavours nested in each other add no turns of the loop", function* ({ on }) {
  const loop = getRunningLoop();
  const done = () => {
    const future = new Future<number>();
    future.setResult(5);
    return future;
  };
  assert.equal(yield* takesNoTurn(on(nest(6, done))), 5);
  const nextTurn = () => {
    const future = new Future<number>();
    loop.callSoon(() => future.setResult(6));
    return future;
  };
  const direct = yield* turnsOf(on(nest(0, nextTurn)));
  assert.equal(yield* turnsOf(on(nest(6, nextTurn))), direct);
});

inEachFlavour("cancelling reaches the innermost wait through both flavours, at once", function* ({ on }) {
  const waited = new Future<number>();
  const task = createTask(nest(6, () => waited));
  yield* on(sleep(0));
  task.cancel("enough");
  assert.equal(waited.cancelled(), true);
  const turns = yield* turnsOf(rejects(on(task), CancelledError, "enough"));
  assert.equal(turns, 1, "the task ends in the first iteration, and we hear of it in the next");
});

test("what is thenable, awaitable or a generator is told apart", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  const coro = sleep(1);
  const generator = (function* () {})();
  const thenable = { then: () => {} };
  const callable = Object.assign(() => {}, thenable);
  const values = [
    future,
    coro,
    generator,
    thenable,
    callable,
    Promise.resolve(),
    [].values(),
    null,
    undefined,
    1,
  ];
  assert.deepEqual(values.map(isThenable), [true, true, false, true, true, true, false, false, false, false]);
  assert.deepEqual(values.map(isAwaitable), [true, true, ...Array(8).fill(false)]);
  assert.deepEqual(values.map(isGenerator), [false, false, true, ...Array(7).fill(false)]);
  coro.close();
});
