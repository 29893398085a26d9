import assert from "node:assert/strict";
import { CancelledError, currentTask, getRunningLoop, sleep, TaskGroup } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, rejects } from "../helpers.ts";
import { children, inGroup } from "./groups.ts";

inEachFlavour("cancel ends the tasks and the body, and nothing comes out", function* (flavour) {
  const { log, child } = children(flavour);
  const result = yield* inGroup(flavour, function* (group) {
    group.createTask(child("a", 5));
    group.createTask(child("b", 1));
    getRunningLoop().callLater(2, () => group.cancel());
    yield* flavour.on(sleep(10));
    return "not reached";
  });
  assert.equal(result, undefined);
  assert.deepEqual(log, ["b done", "a CancelledError"]);
  assert.equal(getRunningLoop().time(), 2);
  assert.equal(currentTask()?.cancelling(), 0);
  yield* flavour.on(sleep(1));
});

inEachFlavour("the body can cancel its group, and is cancelled at its next wait", function* (flavour) {
  const { log, child } = children(flavour);
  yield* inGroup(flavour, function* (group) {
    group.createTask(child("a", 5));
    yield* flavour.on(sleep(1));
    group.cancel();
    log.push("goes on");
    yield* flavour.on(sleep(0));
    log.push("not reached");
  });
  assert.deepEqual(log, ["goes on", "a CancelledError"]);
});

inEachFlavour("a task can cancel its group, and is cancelled with the others", function* (flavour) {
  const { on, coroutine } = flavour;
  const { log, child } = children(flavour);
  const finder = coroutine(function* (group: TaskGroup) {
    yield* on(sleep(1));
    group.cancel();
    log.push("found");
    yield* on(sleep(1));
    log.push("not reached");
  });
  yield* inGroup(flavour, function* (group) {
    group.createTask(finder(group));
    group.createTask(child("a", 5));
  });
  assert.deepEqual(log, ["found", "a CancelledError"]);
  assert.equal(getRunningLoop().time(), 1);
});

inEachFlavour("a body that does not wait any more gives its result, cancelled or not", function* (flavour) {
  const { on } = flavour;
  const results = [];
  for (const swallow of [true, false]) {
    results.push(
      yield* inGroup(flavour, function* (group) {
        group.cancel();
        if (swallow) yield* rejects(on(sleep(10)), CancelledError);
        return "result";
      }),
    );
    assert.equal(currentTask()?.cancelling(), 0);
    yield* on(sleep(1));
  }
  assert.deepEqual(results, ["result", "result"]);
});

inEachFlavour("cancel works while the group waits for its tasks, and waits for them", function* (flavour) {
  const { log, slow } = children(flavour);
  const result = yield* inGroup(flavour, function* (group) {
    group.createTask(slow(3));
    getRunningLoop().callLater(1, () => group.cancel());
    return "result";
  });
  assert.equal(result, "result");
  assert.deepEqual(log, ["cleaned up"]);
  assert.equal(getRunningLoop().time(), 4);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("cancelling a group twice is cancelling it once", function* (flavour) {
  const { log, slow } = children(flavour);
  yield* inGroup(flavour, function* (group) {
    const task = group.createTask(slow(3));
    yield* flavour.on(sleep(0));
    group.cancel();
    group.cancel();
    assert.equal(currentTask()?.cancelling(), 1);
    assert.equal(task.cancelling(), 1);
    getRunningLoop().callLater(1, () => group.cancel());
  });
  assert.deepEqual(log, ["cleaned up"]);
});

inEachFlavour("cancelled before it begins, a group runs its body to the first wait", function* (flavour) {
  const { on, body } = flavour;
  const { log, child } = children(flavour);
  const reports = collectReports();
  const group = new TaskGroup();
  group.cancel();
  yield* on(
    group.run(
      body(function* () {
        log.push("begins");
        const refused = child("a", 1);
        assert.throws(() => group.createTask(refused), {
          name: "RuntimeError",
          message: /is shutting down$/,
        });
        assert.match(String(refused), / closed>$/);
        yield* on(sleep(1));
        log.push("not reached");
      }),
    ),
  );
  assert.deepEqual(log, ["begins"]);
  getRunningLoop().obligations.callIn();
  assert.deepEqual(reports, []);
});

inEachFlavour("cancel does nothing when the group is over", function* (flavour) {
  const { on, body } = flavour;
  const { child } = children(flavour);
  const group = new TaskGroup();
  yield* on(
    group.run(
      body(function* () {
        // Called when the last task is gone already, but the group has not gone on yet.
        group.createTask(child("a", 1)).addDoneCallback(() => group.cancel());
      }),
    ),
  );
  assert.equal(String(group), "<TaskGroup finished tasks=0 errors=0>");
  group.cancel();
  assert.equal(currentTask()?.cancelling(), 0);
  assert.equal(String(group), "<TaskGroup finished tasks=0 errors=0>");
  yield* on(sleep(1));
});

inEachFlavour("an eager task that cancels the group while it is made is cancelled too", function* (flavour) {
  const { on, coroutine } = flavour;
  const log: string[] = [];
  const eager = coroutine(function* (group: TaskGroup) {
    group.cancel();
    try {
      yield* on(sleep(100));
    } catch (error) {
      log.push((error as Error).name);
      throw error;
    }
  });
  yield* inGroup(flavour, function* (group) {
    group.createTask(eager(group), { eagerStart: true });
    log.push("made");
  });
  assert.deepEqual(log, ["made", "CancelledError"]);
  assert.equal(getRunningLoop().time(), 0);
});
