import assert from "node:assert/strict";
import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  type Task,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { rejects, withEachFlavour } from "../helpers.ts";

function start<T>({ coroutine }: Flavour, steps: () => Steps<T>): Task<T> {
  return createTask(coroutine(steps)());
}

inEachFlavour("a task that is cancelled before it starts never runs", function* (flavour) {
  const log: string[] = [];
  const task = start(flavour, function* () {
    log.push("ran");
  });
  assert.equal(task.cancel("early"), true);
  assert.equal(task.cancelled(), false, "it is a request, not a fact");
  yield* rejects(flavour.on(task), CancelledError, "early");
  assert.equal(task.cancelled(), true);
  assert.deepEqual(log, []);
});

inEachFlavour(
  "cancelling cancels what the task waits for, and throws there with the message",
  function* (flavour) {
    const waited = new Future();
    const task = start(flavour, function* () {
      yield* rejects(flavour.on(waited), CancelledError, "enough");
      return "cleaned up";
    });
    yield* flavour.on(sleep(0));
    assert.equal(task.cancel("enough"), true);
    assert.equal(waited.cancelled(), true);
    assert.equal(task.cancelled(), false);
    assert.equal(yield* flavour.on(task), "cleaned up");
  },
);

inEachFlavour("a task that swallows the cancellation is not cancelled, ever", function* (flavour) {
  const task = start(flavour, function* () {
    try {
      yield* flavour.on(sleep(10));
    } catch {}
    yield* flavour.on(sleep(10));
    return "refused";
  });
  yield* flavour.on(sleep(1));
  task.cancel();
  assert.equal(yield* flavour.on(task), "refused");
  assert.equal(task.cancelled(), false);
  assert.equal(task.cancelling(), 1);
  assert.equal(getRunningLoop().time(), 11);
});

inEachFlavour("cancelling a task that is done returns false, and counts nothing", function* (flavour) {
  const task = start(flavour, function* () {});
  yield* flavour.on(task);
  assert.equal(task.cancel(), false);
  assert.equal(task.cancelling(), 0);
});

inEachFlavour("a cancelled task throws its error at whoever asks", function* (flavour) {
  const task = start(flavour, function* () {
    yield* flavour.on(sleep(10));
  });
  yield* flavour.on(sleep(0));
  task.cancel("enough");
  const first = yield* rejects(flavour.on(task), CancelledError, "enough");
  assert.throws(() => task.result(), CancelledError);
  assert.throws(
    () => task.exception(),
    (error) => error instanceof CancelledError && error !== first,
  );
});

inEachFlavour("a CancelledError that the coroutine throws by itself cancels the task", function* (flavour) {
  const own = new CancelledError("of my own");
  const task = start(flavour, function* () {
    yield* flavour.on(sleep(0));
    throw own;
  });
  assert.equal(yield* rejects(flavour.on(task), CancelledError), own);
  assert.equal(task.cancelled(), true);
  assert.equal(task.cancelling(), 0);
});

inEachFlavour("cancelling and a result in the same iteration: cancelling wins", function* (flavour) {
  const future = new Future<string>();
  const task = start(flavour, function* () {
    return yield* flavour.on(future);
  });
  yield* flavour.on(sleep(0));
  future.setResult("lost");
  assert.equal(task.cancel("in the same tick"), true);
  yield* rejects(flavour.on(task), CancelledError, "in the same tick");
});

inEachFlavour("cancelling and an error in the same iteration: cancelling wins", function* (flavour) {
  const future = new Future<string>();
  const task = start(flavour, function* () {
    return yield* flavour.on(future);
  });
  yield* flavour.on(sleep(0));
  future.setException(new TypeError("lost"));
  task.cancel();
  yield* rejects(flavour.on(task), CancelledError);
});

inEachFlavour("each request counts, uncancel takes one back, never below none", function* (flavour) {
  const task = start(flavour, function* () {
    const log: number[] = [];
    try {
      yield* flavour.on(sleep(10));
    } catch {
      const me = currentTask();
      log.push(me!.cancelling(), me!.uncancel(), me!.uncancel(), me!.uncancel(), me!.cancelling());
    }
    return log;
  });
  yield* flavour.on(sleep(0));
  task.cancel();
  task.cancel();
  assert.equal(task.cancelling(), 2);
  assert.deepEqual(yield* flavour.on(task), [2, 1, 0, 0, 0]);
});

inEachFlavour("two requests before the task goes on throw twice", function* (flavour) {
  const log: string[] = [];
  const task = start(flavour, function* () {
    for (let i = 0; i < 3; i++) {
      try {
        yield* flavour.on(sleep(10));
        log.push("slept");
      } catch (error) {
        log.push(String(error));
      }
    }
  });
  yield* flavour.on(sleep(0));
  task.cancel("first");
  task.cancel("second");
  yield* flavour.on(task);
  assert.deepEqual(log, ["CancelledError: first", "slept", "slept"]);
});

inEachFlavour("a task that cancels itself gets it at its next wait", function* (flavour) {
  const log: string[] = [];
  const task = start(flavour, function* () {
    currentTask()!.cancel("myself");
    log.push("goes on");
    const done = new Future<void>();
    done.setResult(undefined);
    yield* flavour.on(done);
    log.push("what is done is no wait");
    yield* flavour.on(sleep(10));
    log.push("not reached");
  });
  yield* rejects(flavour.on(task), CancelledError, "myself");
  assert.deepEqual(log, ["goes on", "what is done is no wait"]);
});

inEachFlavour("uncancel down to none disarms a throw that was not delivered", function* (flavour) {
  const task = start(flavour, function* () {
    const me = currentTask()!;
    me.cancel();
    me.cancel();
    assert.equal(me.uncancel(), 1);
    assert.equal(me.uncancel(), 0);
    yield* flavour.on(sleep(1));
    return "slept";
  });
  assert.equal(yield* flavour.on(task), "slept");
});

inEachFlavour("a task that ends before an armed throw is delivered ends cancelled", function* (flavour) {
  const task = start(flavour, function* () {
    yield* flavour.on(sleep(0));
    currentTask()!.cancel("at the last moment");
    return "lost";
  });
  yield* rejects(flavour.on(task), CancelledError, "at the last moment");
  assert.equal(task.cancelled(), true);
});

inEachFlavour("a task that throws before an armed throw is delivered has failed", function* (flavour) {
  const task = start(flavour, function* () {
    currentTask()!.cancel();
    throw new TypeError("mine");
  });
  yield* rejects(flavour.on(task), TypeError, "mine");
  assert.equal(task.cancelled(), false);
});

inEachFlavour("sleep(0) can be cancelled", function* (flavour) {
  const task = start(flavour, function* () {
    for (;;) yield* flavour.on(sleep(0));
  });
  yield* flavour.on(sleep(0));
  yield* flavour.on(sleep(0));
  task.cancel("enough");
  yield* rejects(flavour.on(task), CancelledError, "enough");
});

inEachFlavour("cancelling walks down a chain of tasks, and comes back up from its end", function* (flavour) {
  const log: string[] = [];
  const chain = (depth: number): Task<void> =>
    start(flavour, function* () {
      try {
        yield* flavour.on(depth === 0 ? sleep(10) : chain(depth - 1));
      } finally {
        log.push(`task ${depth} ends`);
      }
    });
  const outermost = chain(2);
  yield* flavour.on(sleep(1));
  outermost.cancel("enough");
  assert.deepEqual(log, []);
  yield* rejects(flavour.on(outermost), CancelledError, "enough");
  assert.deepEqual(log, ["task 0 ends", "task 1 ends", "task 2 ends"]);
});

inEachFlavour(
  "if the awaited task refuses to be cancelled, who awaits it gets its value",
  function* (flavour) {
    const inner = start(flavour, function* () {
      try {
        yield* flavour.on(sleep(10));
      } catch {}
      return "no";
    });
    const outer = start(flavour, function* () {
      return `inner said ${yield* flavour.on(inner)}`;
    });
    yield* flavour.on(sleep(0));
    yield* flavour.on(sleep(0));
    outer.cancel();
    assert.equal(yield* flavour.on(outer), "inner said no");
    assert.equal(outer.cancelled(), false);
    assert.equal(outer.cancelling(), 1);
  },
);

inEachFlavour(
  "cancelling the awaited task throws at whoever awaits it, who is not cancelled",
  function* (flavour) {
    const inner = start(flavour, function* () {
      yield* flavour.on(sleep(10));
    });
    const outer = start(flavour, function* () {
      yield* rejects(flavour.on(inner), CancelledError, "inner only");
      return currentTask()!.cancelling();
    });
    yield* flavour.on(sleep(1));
    inner.cancel("inner only");
    assert.equal(yield* flavour.on(outer), 0);
  },
);

inEachFlavour("cleaning up may wait, and a second request interrupts it", function* (flavour) {
  const log: string[] = [];
  const task = start(flavour, function* () {
    try {
      yield* flavour.on(sleep(10));
    } finally {
      yield* flavour.on(sleep(2));
      log.push(`cleaned up at ${getRunningLoop().time()}`);
      yield* flavour.on(sleep(10));
    }
  });
  yield* flavour.on(sleep(1));
  task.cancel("first");
  yield* flavour.on(sleep(3));
  task.cancel("second");
  yield* rejects(flavour.on(task), CancelledError, "second");
  assert.deepEqual(log, ["cleaned up at 3"]);
});

inEachFlavour(
  "a circle of tasks that wait for each other cannot be cancelled, only ended anyway",
  function* (flavour) {
    const log: string[] = [];
    const waits = (name: string, find: () => Future<unknown>) =>
      start(flavour, function* () {
        yield* flavour.on(sleep(1));
        try {
          yield* flavour.on(find());
        } finally {
          log.push(`${name} ends`);
        }
      });
    const a: Task<void> = waits("a", () => b);
    const b: Task<void> = waits("b", () => c);
    const c: Task<void> = waits("c", () => gather(sleep(100), a));
    yield* flavour.on(sleep(2));
    assert.throws(() => b.cancel(), RangeError);
    b.cancelAnyway();
    yield* rejects(flavour.on(a), CancelledError);
    yield* flavour.on(sleep(1));
    assert.deepEqual(log, ["b ends", "a ends", "c ends"]);
    assert.ok(b.cancelled() && c.cancelled());
  },
);

withEachFlavour("tasks cancelled between two runs end in the next one", async (flavour, loop) => {
  const task = loop.createTask(
    flavour.body(function* () {
      yield* flavour.on(sleep(10));
    }),
  );
  await loop.runUntilComplete(() => sleep(1));
  task.cancel("between");
  await loop.runUntilComplete(() => sleep(0));
  assert.equal(task.cancelled(), true);
  assert.equal(loop.time(), 1);
});
