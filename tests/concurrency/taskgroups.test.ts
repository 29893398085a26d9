import assert from "node:assert/strict";
import {
  BaseExceptionGroup,
  CancelledError,
  Context,
  ContextVar,
  createTask,
  currentTask,
  ExceptionGroup,
  getRunningLoop,
  sleep,
  type Task,
  TaskGroup,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { rejects, takesNoTurn } from "../helpers.ts";

/** Coroutines for the children: each logs how it ended. */
function children({ on, coroutine }: Flavour) {
  const log: string[] = [];
  const child = coroutine(function* (name: string, delay: number, error?: Error) {
    try {
      yield* on(sleep(delay));
      if (error) throw error;
      log.push(`${name} done`);
      return name;
    } catch (thrown) {
      log.push(`${name} ${(thrown as Error).name}`);
      throw thrown;
    }
  });
  return { log, child };
}

/** Run a group in the flavour, and give what its body gives. */
function* inGroup<T>({ on, body }: Flavour, steps: (group: TaskGroup) => Steps<T>): Steps<T> {
  return (yield* on(TaskGroup.run(body(steps)))) as T;
}

function* groupError(steps: Steps<unknown>): Steps<readonly unknown[]> {
  const group = yield* rejects(steps, ExceptionGroup, "unhandled errors in a TaskGroup");
  return group.exceptions;
}

inEachFlavour("the group waits for its tasks, and gives what the body gives", function* (flavour) {
  const { log, child } = children(flavour);
  const tasks: Task<string>[] = [];
  const result = yield* inGroup(flavour, function* (group) {
    tasks.push(group.createTask(child("a", 2)), group.createTask(child("b", 1)));
    return "result";
  });
  assert.equal(result, "result");
  assert.deepEqual(log, ["b done", "a done"]);
  assert.deepEqual(
    tasks.map((task) => task.result()),
    ["a", "b"],
  );
  assert.equal(getRunningLoop().time(), 2);
});

inEachFlavour("a group without tasks takes no turn", function* (flavour) {
  assert.equal(
    yield* takesNoTurn(
      inGroup(flavour, function* () {
        return "result";
      }),
    ),
    "result",
  );
});

inEachFlavour("the body runs in the calling task", function* (flavour) {
  const name = yield* inGroup(flavour, function* () {
    return currentTask()?.getName();
  });
  assert.equal(name, currentTask()?.getName());
});

inEachFlavour("the group's tasks have names and contexts as others do", function* (flavour) {
  const { child } = children(flavour);
  const context = new Context();
  const variable = new ContextVar<string>("variable");
  variable.set("of the parent");
  yield* inGroup(flavour, function* (group) {
    const task = group.createTask(child("a", 1), { name: "child", context });
    assert.equal(task.getName(), "child");
    assert.equal(task.getContext(), context);
    assert.equal(yield* flavour.on(group.createTask(() => variable.get())), "of the parent");
  });
});

inEachFlavour("a task may add tasks to the group, also when the body is over", function* (flavour) {
  const { log, child } = children(flavour);
  const parent = flavour.coroutine(function* (group: TaskGroup) {
    yield* flavour.on(sleep(1));
    group.createTask(child("grandchild", 1));
  });
  yield* inGroup(flavour, function* (group) {
    group.createTask(parent(group));
  });
  assert.deepEqual(log, ["grandchild done"]);
  assert.equal(getRunningLoop().time(), 2);
});

inEachFlavour(
  "the first error cancels the siblings and the body, and comes out in a group",
  function* (flavour) {
    const { log, child } = children(flavour);
    const error = new TypeError("mine");
    const errors = yield* groupError(
      inGroup(flavour, function* (group) {
        group.createTask(child("bad", 1, error));
        group.createTask(child("sibling", 5));
        yield* flavour.on(sleep(10));
        log.push("not reached");
      }),
    );
    assert.deepEqual(errors, [error]);
    assert.deepEqual(log, ["bad TypeError", "sibling CancelledError"]);
    assert.equal(getRunningLoop().time(), 1);
    assert.equal(currentTask()?.cancelling(), 0);
  },
);

inEachFlavour("all errors come out together, in their order; cancellations do not", function* (flavour) {
  const { child } = children(flavour);
  const failWhenCancelled = flavour.coroutine(function* () {
    try {
      yield* flavour.on(sleep(10));
    } catch {
      throw new RangeError("second");
    }
  });
  const errors = yield* groupError(
    inGroup(flavour, function* (group) {
      group.createTask(failWhenCancelled());
      group.createTask(child("bad", 1, new TypeError("first")));
      group.createTask(child("sibling", 5));
    }),
  );
  assert.deepEqual(errors.map(String), ["TypeError: first", "RangeError: second"]);
});

inEachFlavour("an error of the body cancels the tasks, and is in a group even if alone", function* (flavour) {
  const { log, child } = children(flavour);
  const errors = yield* groupError(
    inGroup(flavour, function* (group) {
      group.createTask(child("a", 5));
      yield* flavour.on(sleep(1));
      throw new TypeError("of the body");
    }),
  );
  assert.deepEqual(errors.map(String), ["TypeError: of the body"]);
  assert.deepEqual(log, ["a CancelledError"]);
});

inEachFlavour("errors of the tasks come before that of the body", function* (flavour) {
  const { child } = children(flavour);
  const errors = yield* groupError(
    inGroup(flavour, function* (group) {
      group.createTask(child("a", 1, new TypeError("of the task")));
      try {
        yield* flavour.on(sleep(10));
      } catch {
        throw new RangeError("of the body");
      }
    }),
  );
  assert.deepEqual(errors.map(String), ["TypeError: of the task", "RangeError: of the body"]);
});

inEachFlavour("a task that is merely cancelled does not disturb the group", function* (flavour) {
  const { log, child } = children(flavour);
  yield* inGroup(flavour, function* (group) {
    const doomed = group.createTask(child("doomed", 5));
    group.createTask(child("sibling", 2));
    yield* flavour.on(sleep(1));
    doomed.cancel();
  });
  assert.deepEqual(log, ["doomed CancelledError", "sibling done"]);
});

inEachFlavour("cancelling the parent cancels the tasks, waits for them, and comes out", function* (flavour) {
  const { on, coroutine } = flavour;
  const log: string[] = [];
  const slowly = coroutine(function* () {
    try {
      yield* on(sleep(10));
    } finally {
      yield* on(sleep(2));
      log.push("cleaned up");
    }
  });
  const parent = (inBody: boolean) =>
    createTask(
      coroutine(function* () {
        yield* inGroup(flavour, function* (group) {
          group.createTask(slowly());
          if (inBody) yield* on(sleep(10));
        });
      })(),
    );
  for (const inBody of [true, false]) {
    const task = parent(inBody);
    yield* on(sleep(1));
    task.cancel("enough");
    yield* rejects(on(task), CancelledError, "enough");
    assert.equal(task.cancelled(), true);
  }
  assert.deepEqual(log, ["cleaned up", "cleaned up"]);
});

inEachFlavour("cancelled again and again, the parent still waits for the tasks", function* (flavour) {
  const { on, coroutine } = flavour;
  const log: string[] = [];
  const stubborn = coroutine(function* () {
    try {
      yield* on(sleep(10));
    } catch {}
    yield* on(sleep(5));
    log.push("took its time");
  });
  const task = createTask(
    coroutine(function* () {
      yield* inGroup(flavour, function* (group) {
        group.createTask(stubborn());
      });
    })(),
  );
  for (let i = 0; i < 3; i++) {
    yield* on(sleep(1));
    task.cancel();
  }
  yield* rejects(on(task), CancelledError);
  assert.deepEqual(log, ["took its time"]);
});

inEachFlavour("errors win over a cancellation from outside, which is armed again", function* (flavour) {
  const { on, coroutine } = flavour;
  const failWhenCancelled = coroutine(function* () {
    try {
      yield* on(sleep(10));
    } catch {
      throw new TypeError("mine");
    }
  });
  const log: unknown[] = [];
  const task = createTask(
    coroutine(function* () {
      try {
        yield* inGroup(flavour, function* (group) {
          group.createTask(failWhenCancelled());
        });
      } catch (error) {
        log.push((error as Error).name, currentTask()?.cancelling());
      }
      yield* on(sleep(10));
      log.push("not reached");
    })(),
  );
  yield* on(sleep(1));
  task.cancel();
  yield* rejects(on(task), CancelledError);
  assert.deepEqual(log, ["ExceptionGroup", 1]);
});

inEachFlavour(
  "a body that swallows the group's cancellation is not cancelled by it later",
  function* (flavour) {
    const { child } = children(flavour);
    const log: string[] = [];
    yield* groupError(
      inGroup(flavour, function* (group) {
        group.createTask(child("bad", 1, new TypeError("mine")));
        try {
          yield* flavour.on(sleep(10));
        } catch {}
        yield* flavour.on(sleep(3));
        log.push("went on");
      }),
    );
    assert.deepEqual(log, ["went on"]);
    assert.equal(currentTask()?.cancelling(), 0);
    yield* flavour.on(sleep(1));
  },
);

inEachFlavour("a group under a deadline: TimeoutError comes out", function* (flavour) {
  const { log, child } = children(flavour);
  const late = flavour.body(() =>
    inGroup(flavour, function* (group) {
      group.createTask(child("a", 10));
    }),
  );
  yield* rejects(flavour.on(timeout(1, late)), TimeoutError);
  assert.deepEqual(log, ["a CancelledError"]);
});

inEachFlavour("groups in groups: errors come out nested", function* (flavour) {
  const { child } = children(flavour);
  const errors = yield* groupError(
    inGroup(flavour, function* (outer) {
      outer.createTask(child("outer", 5));
      yield* inGroup(flavour, function* (inner) {
        inner.createTask(child("inner", 1, new TypeError("mine")));
      });
    }),
  );
  assert.equal(errors.length, 1);
  assert.ok(errors[0] instanceof ExceptionGroup);
  assert.equal(String(errors[0].exceptions[0]), "TypeError: mine");
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("a group that holds a BaseException is no ExceptionGroup", function* (flavour) {
  class Abort extends BaseExceptionGroup {}
  const error = yield* rejects(
    inGroup(flavour, function* (group) {
      group.createTask(() => {
        throw new Abort("inner", [new CancelledError()]);
      });
    }),
    BaseExceptionGroup,
  );
  assert.equal(error instanceof ExceptionGroup, false);
});
