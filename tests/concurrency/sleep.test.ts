import assert from "node:assert/strict";
import { test } from "node:test";
import { CancelledError, createTask, getRunningLoop, sleep, ValueError } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { rejects, turnsOf } from "../helpers.ts";

inEachFlavour("sleep waits for the delay, and gives the result it was given", function* ({ on }) {
  const loop = getRunningLoop();
  assert.equal(yield* on(sleep(1.5)), undefined);
  assert.equal(loop.time(), 1.5);
  assert.equal(yield* on(sleep(1, "result")), "result");
  assert.equal(loop.time(), 2.5);
});

inEachFlavour("sleep of 0 or less is exactly one iteration, and no timer", function* ({ on }) {
  const loop = getRunningLoop();
  for (const delay of [0, -1, -0, Number.NEGATIVE_INFINITY]) {
    const turns = yield* turnsOf(on(sleep(delay)));
    assert.equal(turns, 1);
    assert.equal(yield* on(sleep(delay, "result")), "result");
  }
  assert.equal(loop.timers.size, 0);
  assert.equal(loop.time(), 0);
});

inEachFlavour("the delay counts from the moment in which it is awaited", function* ({ on }) {
  const late = sleep(1);
  yield* on(sleep(5));
  yield* on(late);
  assert.equal(getRunningLoop().time(), 6);
});

inEachFlavour("sleepers wake in the order of their times", function* ({ on, coroutine }) {
  const log: number[] = [];
  const sleeper = coroutine(function* (delay: number) {
    yield* on(sleep(delay));
    log.push(delay);
  });
  const tasks = [3, 1, 2].map((delay) => createTask(sleeper(delay)));
  for (const task of tasks) yield* on(task);
  assert.deepEqual(log, [1, 2, 3]);
});

inEachFlavour("a sleep that is cancelled drops its timer", function* ({ on, coroutine }) {
  const loop = getRunningLoop();
  const task = createTask(
    coroutine(function* () {
      yield* on(sleep(100));
    })(),
  );
  yield* on(sleep(0));
  assert.equal(loop.timers.size, 1);
  task.cancel();
  yield* rejects(on(task), CancelledError);
  assert.equal(loop.timers.next(), null);
  assert.equal(loop.time(), 0);
});

test("the delay must be a number", () => {
  assert.throws(() => sleep(Number.NaN), ValueError);
  assert.throws(() => sleep("1" as never), TypeError);
  assert.throws(() => sleep(undefined as never), TypeError);
});
