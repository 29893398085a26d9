import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ALL_COMPLETED,
  CancelledError,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  getRunningLoop,
  sleep,
  ValueError,
  wait,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, turnsOf } from "../helpers.ts";

const after = (delay: number) => createTask(() => sleep(delay, delay));

function failAfter(delay: number) {
  const future = new Future<number>();
  getRunningLoop().callLater(delay, () => future.setException(new TypeError(`failed at ${delay}`)));
  return future;
}

inEachFlavour("wait gives those that are done when all are", function* ({ on }) {
  const tasks = [after(2), after(1)];
  const { done, pending } = yield* on(wait(tasks));
  assert.deepEqual([...done], tasks);
  assert.equal(pending.size, 0);
  assert.equal(getRunningLoop().time(), 2);
});

inEachFlavour("FIRST_COMPLETED waits for the first that is done, cancelled ones count", function* ({ on }) {
  const [slow, fast, cancelled] = [after(3), after(2), after(5)];
  getRunningLoop().callLater(1, () => cancelled.cancel());
  const first = yield* on(wait([slow, fast, cancelled], { returnWhen: FIRST_COMPLETED }));
  assert.deepEqual([...first.done], [cancelled]);
  const second = yield* on(wait(first.pending, { returnWhen: FIRST_COMPLETED }));
  assert.deepEqual([...second.done], [fast]);
  assert.deepEqual([...second.pending], [slow]);
  yield* on(slow);
});

inEachFlavour(
  "FIRST_EXCEPTION waits for the first that fails, cancelled ones do not count",
  function* ({ on }) {
    const [good, bad, slow, cancelled] = [after(1), failAfter(3), after(5), after(5)];
    getRunningLoop().callLater(2, () => cancelled.cancel());
    const all = [good, bad, slow, cancelled];
    const { done, pending } = yield* on(wait(all, { returnWhen: FIRST_EXCEPTION }));
    assert.deepEqual([...done], [good, bad, cancelled]);
    assert.deepEqual([...pending], [slow]);
    yield* on(slow);
  },
);

inEachFlavour("FIRST_EXCEPTION waits for all if none fails", function* ({ on }) {
  const { pending } = yield* on(wait([after(1), after(2)], { returnWhen: FIRST_EXCEPTION }));
  assert.equal(pending.size, 0);
});

inEachFlavour("ALL_COMPLETED does not throw the errors of its members", function* ({ on }) {
  const bad = failAfter(1);
  const { done } = yield* on(wait([bad, after(2)], { returnWhen: ALL_COMPLETED }));
  assert.equal(done.size, 2);
  assert.ok(bad.exception() instanceof TypeError);
});

inEachFlavour("when the time is over wait neither throws nor cancels", function* ({ on }) {
  const [fast, slow] = [after(1), after(5)];
  const { done, pending } = yield* on(wait([fast, slow], { timeout: 2 }));
  assert.deepEqual([...done], [fast]);
  assert.deepEqual([...pending], [slow]);
  assert.equal(getRunningLoop().time(), 2);
  assert.equal(yield* on(slow), 5);
});

inEachFlavour("a timeout of 0 looks once", function* ({ on }) {
  const done = new Future<void>();
  done.setResult(undefined);
  const result = yield* on(wait([done, after(1)], { timeout: 0 }));
  assert.deepEqual([result.done.size, result.pending.size], [1, 1]);
  assert.equal(getRunningLoop().time(), 0);
  yield* on(sleep(2));
});

inEachFlavour("wait drops its timer when it need not wait so long", function* ({ on }) {
  yield* on(wait([after(1)], { timeout: 100 }));
  assert.equal(getRunningLoop().timers.next(), null);
});

inEachFlavour("wait takes its turns even if all are done", function* ({ on }) {
  const done = new Future<void>();
  done.setResult(undefined);
  assert.equal(yield* turnsOf(on(wait([done]))), 2);
});

inEachFlavour("one that is given twice counts once; promises are followed by futures", function* ({ on }) {
  const task = after(1);
  const { done } = yield* on(wait([task, task, Promise.resolve("promise")]));
  const [first, second] = done;
  assert.equal(done.size, 2);
  assert.equal(first, task);
  assert.ok(second instanceof Future);
  assert.equal(second.result(), "promise");
});

inEachFlavour(
  "cancelling wait leaves the members alone, and nobody waiting on them",
  function* ({ on, coroutine }) {
    const member = new Future<void>();
    const task = createTask(
      coroutine(function* () {
        yield* on(wait([member], { timeout: 100 }));
      })(),
    );
    yield* on(sleep(1));
    task.cancel();
    yield* rejects(on(task), CancelledError);
    assert.equal(String(member), "<Future pending>");
    assert.equal(getRunningLoop().timers.next(), null);
  },
);

inEachFlavour("those that lose do not keep those who waited", function* ({ on }) {
  const loser = new Future<void>();
  for (let i = 0; i < 10; i++) {
    const winner = new Future<void>();
    getRunningLoop().callSoon(() => winner.setResult(undefined));
    yield* on(wait([loser, winner], { returnWhen: FIRST_COMPLETED }));
  }
  assert.equal(String(loser), "<Future pending>");
});

test("wait refuses an empty list, an unknown returnWhen, a lone future and coroutines", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  const coroutine = sleep(1);
  assert.throws(() => wait([]), ValueError);
  assert.throws(() => wait([future], { returnWhen: "SOMETIMES" as never }), ValueError);
  assert.throws(() => wait(future as never), TypeError);
  assert.throws(() => wait(Promise.resolve() as never), TypeError);
  assert.throws(() => wait(coroutine as never), TypeError);
  assert.throws(() => wait([coroutine]), /Passing coroutines is forbidden, use tasks explicitly/);
  assert.throws(() => wait([5 as never]), TypeError);
  coroutine.close();
});
