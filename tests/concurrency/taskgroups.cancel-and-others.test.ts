/** `TaskGroup.cancel` together with what else ends a group: errors, cancellations, deadlines, other groups. */

import assert from "node:assert/strict";
import {
  CancelledError,
  createTask,
  currentTask,
  ExceptionGroup,
  getRunningLoop,
  RuntimeError,
  sleep,
  type TaskGroup,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { children, inGroup } from "./groups.ts";

inEachFlavour("errors of tasks and body come out of a cancelled group", function* (flavour) {
  const { on } = flavour;
  const { slow } = children(flavour);
  const error = yield* rejects(
    inGroup(flavour, function* (group) {
      group.createTask(slow(1, new TypeError("of the task")));
      yield* on(sleep(1));
      group.cancel();
      yield* rejects(on(sleep(1)), CancelledError);
      throw new RangeError("of the body");
    }),
    ExceptionGroup,
  );
  assert.deepEqual(error.exceptions.map(String), ["TypeError: of the task", "RangeError: of the body"]);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour(
  "a cancellation from outside is not lost in the group's own, whenever it comes",
  function* (flavour) {
    const { on, coroutine } = flavour;
    for (const [own, fromOutside] of [
      [1, 2],
      [2, 1],
      [1, 1],
    ] as const) {
      const { log, slow } = children(flavour);
      const parent = coroutine(function* (inBody: boolean) {
        yield* inGroup(flavour, function* (group) {
          group.createTask(slow(5));
          getRunningLoop().callLater(own, () => group.cancel());
          if (inBody) yield* on(sleep(50));
        });
        log.push("not reached");
      });
      for (const inBody of [true, false]) {
        const task = createTask(parent(inBody));
        getRunningLoop().callLater(fromOutside, () => task.cancel("from outside"));
        yield* rejects(on(task), CancelledError);
        assert.equal(task.cancelling(), 1);
      }
      assert.deepEqual(log, ["cleaned up", "cleaned up"]);
    }
  },
);

inEachFlavour(
  "what comes out is the cancellation from outside, if the group was waiting when it came",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const { slow } = children(flavour);
    const task = createTask(
      coroutine(function* () {
        yield* inGroup(flavour, function* (group) {
          group.createTask(slow(5));
          getRunningLoop().callLater(1, () => group.cancel());
        });
      })(),
    );
    getRunningLoop().callLater(2, () => task.cancel("from outside"));
    yield* rejects(on(task), CancelledError, "from outside");
  },
);

inEachFlavour(
  "an error of the body wins over a cancellation from outside, which is armed again",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const { log, slow } = children(flavour);
    const task = createTask(
      coroutine(function* () {
        const failing = inGroup(flavour, function* (group) {
          group.createTask(slow(5));
          yield* on(sleep(1));
          group.cancel();
          throw new TypeError("of the body");
        });
        const error = yield* rejects(failing, ExceptionGroup);
        log.push(...error.exceptions.map(String));
        yield* on(sleep(10));
        log.push("not reached");
      })(),
    );
    getRunningLoop().callLater(2, () => task.cancel());
    yield* rejects(on(task), CancelledError);
    assert.deepEqual(log, ["cleaned up", "TypeError: of the body"]);
  },
);

inEachFlavour("cancelling a group leaves the one around it alone", function* (flavour) {
  const { log, child } = children(flavour);
  const result = yield* inGroup(flavour, function* (outer) {
    outer.createTask(child("outer", 5));
    yield* inGroup(flavour, function* (inner) {
      inner.createTask(child("inner", 5));
      yield* flavour.on(sleep(1));
      inner.cancel();
    });
    return "goes on";
  });
  assert.equal(result, "goes on");
  assert.deepEqual(log, ["inner CancelledError", "outer done"]);
});

inEachFlavour("cancelling a group ends the one inside of it", function* (flavour) {
  const { log, child } = children(flavour);
  yield* inGroup(flavour, function* (outer) {
    getRunningLoop().callLater(1, () => outer.cancel());
    yield* inGroup(flavour, function* (inner) {
      inner.createTask(child("inner", 5));
    });
    log.push("not reached");
  });
  assert.deepEqual(log, ["inner CancelledError"]);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("a deadline that strikes in a cancelled group still does", function* (flavour) {
  const { slow } = children(flavour);
  const late = flavour.body(() =>
    inGroup(flavour, function* (group) {
      group.createTask(slow(5));
      yield* flavour.on(sleep(1));
      group.cancel();
    }),
  );
  yield* rejects(flavour.on(timeout(2, late)), TimeoutError);
  assert.equal(getRunningLoop().time(), 6);
});

inEachFlavour("a cancelled group takes no more tasks, not even from its tasks", function* (flavour) {
  const { on, coroutine } = flavour;
  const { log, child } = children(flavour);
  const adding = coroutine(function* (group: TaskGroup) {
    try {
      yield* on(sleep(100));
    } finally {
      try {
        group.createTask(child("late", 1));
      } catch (error) {
        log.push(String(error instanceof RuntimeError));
      }
    }
  });
  yield* inGroup(flavour, function* (group) {
    group.createTask(adding(group));
    yield* on(sleep(1));
    group.cancel();
  });
  assert.deepEqual(log, ["true"]);
});
