import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allTasks,
  createTask,
  currentSignal,
  currentTask,
  Future,
  getRunningLoop,
  RuntimeError,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

inEachFlavour(
  "the current task is the one whose code runs, in what it awaits too",
  function* ({ on, coroutine }) {
    const main = currentTask();
    const look = coroutine(function* () {
      const before = currentTask()?.getName();
      yield* on(sleep(1));
      return [before, currentTask()?.getName()];
    });
    assert.deepEqual(yield* on(look()), [main?.getName(), main?.getName()]);
    assert.deepEqual(yield* on(createTask(look(), { name: "other" })), ["other", "other"]);
    assert.equal(currentTask(), main);
  },
);

inEachFlavour("in callbacks there is no current task, whoever queued them", function* ({ on }) {
  const loop = getRunningLoop();
  const seen: unknown[] = [];
  const look = () => seen.push(currentTask());
  const future = new Future();
  future.addDoneCallback(look);
  loop.callSoon(look);
  loop.callLater(1, look);
  future.cancel();
  yield* on(sleep(2));
  assert.deepEqual(seen, [null, null, null]);
});

inEachFlavour("a task made in a callback is the current one in its own body", function* ({ on, coroutine }) {
  const look = coroutine(function* () {
    yield* on(sleep(0));
    return currentTask()?.getName();
  });
  const made = new Future<string | undefined>();
  getRunningLoop().callSoon(() => {
    const task = createTask(look(), { name: "made in a callback" });
    task.addDoneCallback(() => made.setResult(task.result()));
  });
  assert.equal(yield* on(made), "made in a callback");
});

inEachFlavour(
  "allTasks are those that are not done, oldest first, the current one included",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const wait = coroutine(function* (delay: number) {
      yield* on(sleep(delay));
    });
    const main = currentTask();
    const [first, second] = [createTask(wait(1)), createTask(wait(2))];
    assert.deepEqual([...allTasks()], [main, first, second]);
    yield* on(first);
    const left = allTasks();
    assert.deepEqual([...left], [main, second]);
    left.clear();
    assert.equal(allTasks().size, 2, "it is a copy");
    yield* on(second);
  },
);

test("without a loop that runs, the loop must be given", async () => {
  assert.throws(() => currentTask(), RuntimeError);
  assert.throws(() => allTasks(), RuntimeError);
  using loop = newLoop();
  assert.equal(currentTask(loop), null);
  const task = loop.createTask(() => 1);
  assert.deepEqual([...allTasks(loop)], [task]);
  await loop.runUntilComplete(task);
  assert.deepEqual([...allTasks(loop)], []);
});

inEachFlavour("a task of this loop is not the current one of another", function* ({ on }) {
  using other = newLoop();
  assert.equal(currentTask(other), null);
  assert.notEqual(currentTask(getRunningLoop()), null);
  yield* on(sleep(0));
});

inEachFlavour("currentSignal belongs to the current task, and needs one", function* ({ on }) {
  const signal = currentSignal();
  assert.equal(signal.aborted, false);
  assert.equal(signal, currentTask()?.signal);
  const errors: unknown[] = [];
  getRunningLoop().callSoon(() => {
    try {
      currentSignal();
    } catch (error) {
      errors.push(error);
    }
  });
  yield* on(sleep(0));
  assert.ok(errors[0] instanceof RuntimeError);
});
