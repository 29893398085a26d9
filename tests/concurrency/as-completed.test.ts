import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asCompleted,
  type Coroutine,
  createTask,
  Future,
  getRunningLoop,
  RuntimeError,
  sleep,
  TimeoutError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop, rejects } from "../helpers.ts";

const after = (delay: number) => createTask(() => sleep(delay, delay));

inEachFlavour("plain iteration gives coroutines, each the next result", function* ({ on }) {
  const results: number[] = [];
  for (const next of asCompleted([after(3), after(1), after(2)])) results.push(yield* on(next));
  assert.deepEqual(results, [1, 2, 3]);
});

inEachFlavour("the coroutines are there at once, and may be awaited in any order", function* ({ on }) {
  const coroutines = [...asCompleted([after(2), after(1)])] as [Coroutine<number>, Coroutine<number>];
  assert.equal(coroutines.length, 2);
  assert.equal(yield* on(coroutines[1]), 1);
  assert.equal(yield* on(coroutines[0]), 2);
});

inEachFlavour("asynchronous iteration gives the futures themselves, done", function* ({ on }) {
  const tasks = [after(2), after(1)];
  const iterator = asCompleted(tasks)[Symbol.asyncIterator]();
  const first = yield* on(iterator.next());
  assert.equal(first.value, tasks[1]);
  const second = yield* on(iterator.next());
  assert.equal(second.value, tasks[0]);
  assert.deepEqual(yield* on(iterator.next()), { done: true, value: undefined });
});

test("for await gives the futures, and the tasks made for coroutines", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(async () => {
    const task = after(1);
    const seen: unknown[] = [];
    for await (const future of asCompleted([sleep(2, "coroutine"), task])) {
      assert.equal(future.done(), true);
      seen.push(future === task ? "the task" : future.result());
    }
    assert.deepEqual(seen, ["the task", "coroutine"]);
  });
});

inEachFlavour("all are started at once, one given twice counts once", function* ({ on, coroutine }) {
  let runs = 0;
  const once = coroutine(function* () {
    return ++runs;
  })();
  const results: unknown[] = [];
  for (const next of asCompleted([once, once, () => "function", Promise.resolve("promise")])) {
    results.push(yield* on(next));
  }
  assert.deepEqual(results.sort(), [1, "function", "promise"]);
});

inEachFlavour("an error comes out of its own item", function* ({ on }) {
  const bad = new Future<number>();
  getRunningLoop().callLater(1, () => bad.setException(new TypeError("mine")));
  const [first, second] = asCompleted([after(2), bad]);
  yield* rejects(on(first!), TypeError, "mine");
  assert.equal(yield* on(second!), 2);
});

inEachFlavour("after the timeout each further item throws, and nothing is cancelled", function* ({ on }) {
  const slow = after(10);
  const results: unknown[] = [];
  for (const next of asCompleted([after(1), slow, after(20)], { timeout: 5 })) {
    try {
      results.push(yield* on(next));
    } catch (error) {
      results.push(error instanceof TimeoutError);
    }
  }
  assert.deepEqual(results, [1, true, true]);
  assert.equal(getRunningLoop().time(), 5);
  assert.equal(slow.cancelling(), 0);
  assert.equal(yield* on(slow), 10);
  yield* on(sleep(20));
});

inEachFlavour("after the timeout nobody waits for the others any more", function* ({ on }) {
  const slow = new Future<void>();
  for (const next of asCompleted([slow], { timeout: 1 })) yield* rejects(on(next), TimeoutError);
  assert.equal(String(slow), "<Future pending>");
});

inEachFlavour("the timer is dropped when all are done", function* ({ on }) {
  for (const next of asCompleted([after(1)], { timeout: 100 })) yield* on(next);
  assert.equal(getRunningLoop().timers.next(), null);
});

inEachFlavour("the timer is dropped when all are done, whoever has asked for them", function* ({ on }) {
  asCompleted([after(1)], { timeout: 100 });
  yield* on(sleep(2));
  assert.equal(getRunningLoop().timers.next(), null);
});

inEachFlavour("a loop that is left early leaves nobody waiting", function* ({ on }) {
  const slow = new Future<number>();
  const completed = asCompleted([slow, after(1)]);
  for (const next of completed) {
    assert.equal(yield* on(next), 1);
    break;
  }
  assert.equal(String(slow), "<Future pending>");
  assert.deepEqual([...completed], []);
});

inEachFlavour(
  "one that is left early with a timeout leaves nobody waiting when that is over",
  function* ({ on }) {
    const slow = new Future<number>();
    for (const next of asCompleted([slow, after(1)], { timeout: 100 })) {
      assert.equal(yield* on(next), 1);
      break;
    }
    assert.equal(getRunningLoop().timers.next(), 100);
    yield* on(sleep(100));
    assert.equal(String(slow), "<Future pending>");
  },
);

inEachFlavour("coroutines that were taken before it was left still give their results", function* ({ on }) {
  const slow = new Future<number>();
  const [first, second] = asCompleted([after(2), slow, after(1)]);
  yield* on(sleep(3));
  assert.equal(String(slow), "<Future pending>");
  assert.deepEqual([yield* on(first!), yield* on(second!)], [1, 2]);
});

test("a for await that is left early leaves nobody waiting", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(async () => {
    const slow = new Future<number>();
    const completed = asCompleted([slow, after(1)]);
    for await (const future of completed) {
      assert.equal(future.result(), 1);
      break;
    }
    assert.equal(String(slow), "<Future pending>");
    assert.equal((await completed.next()).done, true);
  });
});

inEachFlavour("it shows how many are not done, and how many wait to be asked for", function* ({ on }) {
  const last = after(4);
  const completed = asCompleted([after(1), after(2), last]);
  assert.equal(String(completed), "<AsCompletedIterator pending=3 completed=0>");
  yield* on(sleep(3));
  assert.equal(String(completed), "<AsCompletedIterator pending=1 completed=2>");
  yield* on(completed.next());
  assert.equal(String(completed), "<AsCompletedIterator pending=1 completed=1>");
  yield* on(last);
});

inEachFlavour("nothing to wait for is over at once", function* ({ on }) {
  assert.deepEqual([...asCompleted([], { timeout: 1 })], []);
  assert.equal((yield* on(asCompleted([]).next())).done, true);
});

test("a lone awaitable is refused, and so is a place without a loop", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(() => {
    const coroutine = sleep(1);
    for (const wrong of [new Future(), coroutine, Promise.resolve(), (function* () {})()]) {
      assert.throws(() => asCompleted(wrong as never), TypeError);
    }
    coroutine.close();
  });
  assert.throws(() => asCompleted([() => 1]), RuntimeError);
});
