import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  RuntimeError,
  type Suspension,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects } from "../helpers.ts";

inEachFlavour(
  "a future of another loop is refused at the place where it is awaited",
  function* ({ on, coroutine }) {
    using other = newLoop();
    const foreign = other.createFuture();
    const task = createTask(
      coroutine(function* () {
        yield* rejects(
          on(foreign),
          RuntimeError,
          /^Task <Task .*> got Future <Future pending> attached to a different loop$/,
        );
        return "went on";
      })(),
    );
    assert.equal(yield* on(task), "went on");
    assert.equal(foreign.done(), false);
  },
);

inEachFlavour("a task cannot await itself", function* ({ on, coroutine }) {
  const task: Future<string> = createTask(
    coroutine(function* () {
      yield* rejects(on(task), RuntimeError, /^Task cannot await on itself: <Task pending/);
      return "went on";
    })(),
  );
  assert.equal(yield* on(task), "went on");
});

test("a bare yield gives up one turn, as sleep(0) does", async () => {
  using loop = newLoop();
  const log: string[] = [];
  const main = function* (): Generator<Suspension, void, unknown> {
    loop.callSoon(() => {
      log.push("first turn");
      loop.callSoon(() => log.push("second turn"));
    });
    yield;
    log.push("went on");
  };
  await loop.runUntilComplete(main);
  assert.deepEqual(log, ["first turn", "went on", "second turn"]);
});

for (const [what, value] of [
  ["a promise", Promise.resolve()],
  ["a number", 5],
  ["a coroutine function", coroutine(() => 1)],
  ["null", null],
] as const) {
  test(`a bare yield of ${what} is a RuntimeError at its place`, async () => {
    using loop = newLoop();
    const main = function* (): Generator<Suspension, string, unknown> {
      try {
        yield value as unknown as Suspension;
      } catch (error) {
        assert.ok(error instanceof RuntimeError);
        return error.message;
      }
      return "nothing was thrown";
    };
    assert.match(await loop.runUntilComplete(main), /^Task got bad yield: /);
  });
}

test("an async function may wait for several at once, and goes on when all are done", async () => {
  using loop = newLoop();
  const main = async () => Promise.all([sleep(1, "a"), sleep(3, "b"), createTask(() => sleep(2, "c"))]);
  assert.deepEqual(await loop.runUntilComplete(main), ["a", "b", "c"]);
  assert.equal(loop.time(), 3);
});

test("cancelling a task inside Promise.all reaches all that it waits for", async () => {
  using loop = newLoop();
  const log: string[] = [];
  const waited = loop.createFuture<void>();
  const inner = loop.createTask(() => sleep(100));
  const part = async (name: string) => {
    try {
      await sleep(100);
    } catch (error) {
      log.push(`${name} ${error}`);
      throw error;
    }
  };
  const task = loop.createTask(() => Promise.all([part("a"), part("b"), waited, inner]));
  await loop.runUntilComplete(() => sleep(1));
  task.cancel("enough");
  assert.equal(waited.cancelled(), true);
  await assert.rejects(loop.runUntilComplete(task), CancelledError);
  assert.equal(inner.cancelled(), true);
  assert.deepEqual(log, ["a CancelledError: enough", "b CancelledError: enough"]);
  assert.equal(task.cancelled(), true);
});

test("a cancellation that is armed strikes only one of several waits that begin together", async () => {
  using loop = newLoop();
  const task = loop.createTask(async () => {
    currentTask()?.cancel();
    return (await Promise.allSettled([sleep(1), sleep(1), sleep(1)])).map(({ status }) => status);
  });
  assert.deepEqual(await loop.runUntilComplete(task), ["rejected", "fulfilled", "fulfilled"]);
});

test("an async function that runs on when its task is done does not disturb anybody", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const log: string[] = [];
  const background = async () => {
    await sleep(1);
    log.push(`task: ${currentTask()}`);
    await sleep(1);
    log.push("background done");
  };
  const task = loop.createTask(async () => {
    void background();
    return "task done";
  });
  assert.equal(await loop.runUntilComplete(task), "task done");
  await loop.runUntilComplete(() => sleep(5));
  assert.deepEqual(log, ["task: null", "background done"]);
  assert.deepEqual(reports, []);
});

inEachFlavour(
  "what a step of native async code sets off is over before the next handle runs",
  function* ({ on }) {
    const loop = getRunningLoop();
    const log: string[] = [];
    createTask(async () => {
      for (let i = 0; i < 20; i++) await null;
      log.push("native code");
    });
    loop.callSoon(() => log.push("next handle"));
    yield* on(sleep(0));
    assert.deepEqual(log, ["native code", "next handle"]);
  },
);

inEachFlavour("a promise that a callback settles is heard of before the time moves on", function* ({ on }) {
  const loop = getRunningLoop();
  const log: string[] = [];
  const task = createTask(async () => {
    await new Promise<void>((resolve) => loop.callLater(1, resolve));
    log.push(`promise at ${loop.time()}`);
  });
  loop.callLater(2, () => log.push(`timer at ${loop.time()}`));
  yield* on(task);
  yield* on(sleep(2));
  assert.deepEqual(log, ["promise at 1", "timer at 2"]);
});

test("a deep chain of coroutines does not overflow the stack", async () => {
  using loop = newLoop();
  const dive = coroutine(function* (depth: number): Generator<Suspension, number, unknown> {
    if (depth === 0) {
      yield* sleep(1);
      return 0;
    }
    return 1 + (yield* dive(depth - 1));
  });
  assert.equal(await loop.runUntilComplete(dive(1000)), 1000);
});

inEachFlavour("a generator that waits for many futures in turn keeps none of them", function* ({ on }) {
  const loop = getRunningLoop();
  const task = currentTask();
  for (let i = 0; i < 10; i++) {
    const future = new Future<number>();
    loop.callSoon(() => future.setResult(i));
    assert.equal(yield* on(future), i);
    assert.equal(task?.waitingOn, null);
  }
});
