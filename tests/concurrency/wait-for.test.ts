import assert from "node:assert/strict";
import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  sleep,
  TimeoutError,
  ValueError,
  waitFor,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, rejects, takesNoTurn } from "../helpers.ts";

inEachFlavour("in time, waitFor gives the result or the error", function* ({ on, coroutine }) {
  const work = coroutine(function* (fail: boolean) {
    yield* on(sleep(1));
    if (fail) throw new TypeError("mine");
    return "result";
  });
  assert.equal(yield* on(waitFor(work(false), 2)), "result");
  yield* rejects(on(waitFor(work(true), 2)), TypeError, "mine");
  assert.equal(getRunningLoop().timers.next(), null);
});

inEachFlavour(
  "waitFor takes tasks, futures, promises, generators and functions",
  function* ({ on, coroutine }) {
    const steps = coroutine(function* () {
      return yield* on(sleep(1, "result"));
    });
    const future = new Future<string>();
    getRunningLoop().callSoon(() => future.setResult("result"));
    const generator = (function* () {
      return yield* sleep(1, "result");
    })();
    for (const one of [
      createTask(steps()),
      future,
      generator,
      Promise.resolve("result"),
      steps,
      () => "result",
    ]) {
      assert.equal(yield* on(waitFor(one, 2)), "result");
    }
  },
);

inEachFlavour("too late, the work is cancelled and TimeoutError is thrown", function* ({ on }) {
  const task = createTask(() => sleep(10));
  const error = yield* rejects(on(waitFor(task, 2)), TimeoutError, "timed out");
  assert.ok(error.cause instanceof CancelledError);
  assert.equal(task.cancelled(), true);
  assert.equal(getRunningLoop().time(), 2);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("waitFor waits until the work has ended its clean-up", function* ({ on, coroutine }) {
  const log: string[] = [];
  const work = coroutine(function* () {
    try {
      yield* on(sleep(10));
    } finally {
      yield* on(sleep(3));
      log.push("cleaned up");
    }
  });
  yield* rejects(on(waitFor(work(), 1)), TimeoutError);
  assert.deepEqual(log, ["cleaned up"]);
  assert.equal(getRunningLoop().time(), 4);
});

inEachFlavour(
  "work that does not heed the cancellation gives its value, or its error",
  function* ({ on, coroutine }) {
    const stubborn = coroutine(function* (fail: boolean) {
      try {
        yield* on(sleep(10));
      } catch {
        if (fail) throw new TypeError("mine");
      }
      return "refused";
    });
    assert.equal(yield* on(waitFor(stubborn(false), 1)), "refused");
    assert.equal(yield* on(waitFor(createTask(stubborn(false)), 1)), "refused");
    yield* rejects(on(waitFor(stubborn(true), 1)), TypeError, "mine");
  },
);

inEachFlavour("a coroutine runs in the calling task, and in its context", function* ({ on, coroutine }) {
  const variable = new ContextVar<string>("variable");
  const look = coroutine(function* () {
    yield* on(sleep(0));
    variable.set("by the coroutine");
    return currentTask()?.getName();
  });
  assert.equal(yield* on(waitFor(look(), 1)), currentTask()?.getName());
  assert.equal(variable.get(), "by the coroutine");
});

inEachFlavour(
  "without a timeout, waitFor is await: it takes no turn of its own",
  function* ({ on, coroutine }) {
    const work = coroutine(function* () {
      return "result";
    });
    assert.equal(yield* takesNoTurn(on(waitFor(work(), null))), "result");
    assert.equal(yield* takesNoTurn(on(waitFor(work(), 5))), "result");
  },
);

for (const seconds of [0, -1]) {
  inEachFlavour(
    `with a timeout of ${seconds} a coroutine is not even started`,
    function* ({ on, coroutine }) {
      const reports = collectReports();
      const log: string[] = [];
      const work = coroutine(function* () {
        log.push("started");
      });
      yield* rejects(on(waitFor(work(), seconds)), TimeoutError);
      assert.deepEqual(log, []);
      assert.equal(getRunningLoop().time(), 0);
      assert.deepEqual(reports, []);
    },
  );

  inEachFlavour(
    `with a timeout of ${seconds} what is done gives its result without a turn`,
    function* ({ on }) {
      const done = new Future<string>();
      done.setResult("result");
      assert.equal(yield* takesNoTurn(on(waitFor(done, seconds))), "result");
      const failed = new Future<string>();
      failed.setException(new TypeError("mine"));
      yield* rejects(on(waitFor(failed, seconds)), TypeError, "mine");
    },
  );

  inEachFlavour(`with a timeout of ${seconds} a future is cancelled`, function* ({ on }) {
    const future = new Future<void>();
    yield* rejects(on(waitFor(future, seconds)), TimeoutError);
    assert.equal(future.cancelled(), true);
  });
}

inEachFlavour("cancelling waitFor cancels the work, and is no timeout", function* ({ on, coroutine }) {
  const work = createTask(() => sleep(10));
  const task = createTask(
    coroutine(function* () {
      yield* on(waitFor(work, 5));
    })(),
  );
  yield* on(sleep(1));
  task.cancel("enough");
  yield* rejects(on(task), CancelledError, "enough");
  assert.equal(work.cancelled(), true);
  assert.equal(getRunningLoop().time(), 1);
});

inEachFlavour("cancelling the work is no timeout", function* ({ on }) {
  const work = createTask(() => sleep(10));
  getRunningLoop().callLater(1, () => work.cancel("from outside"));
  yield* rejects(on(waitFor(work, 5)), CancelledError, "from outside");
});

inEachFlavour(
  "a result that comes in the iteration of the deadline is lost to TimeoutError",
  function* ({ on }) {
    const future = new Future<string>();
    getRunningLoop().callLater(1, () => future.setResult("too late"));
    const waiting = waitFor(future, 1);
    yield* rejects(on(waiting), TimeoutError);
    assert.equal(future.result(), "too late");
  },
);

inEachFlavour(
  "the timeout must be a number or null, and the work something to wait for: at the call",
  function* ({ on }) {
    yield* on(sleep(0));
    assert.throws(() => waitFor(new Future(), Number.NaN), ValueError);
    assert.throws(() => waitFor(new Future(), "1" as never), TypeError);
    assert.throws(() => waitFor(5 as never, 1), TypeError);
    assert.throws(() => waitFor(5 as never, 0), TypeError);
  },
);
