import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  currentTask,
  getRunningLoop,
  RuntimeError,
  sleep,
  Timeout,
  TimeoutError,
  timeout,
  timeoutAt,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

const now = () => getRunningLoop().time();

inEachFlavour(
  "in time, the body's result or error comes out, and the timer is dropped",
  function* ({ on, body }) {
    const inTime = body(function* () {
      yield* on(sleep(1));
      return "result";
    });
    const failing = body(function* () {
      yield* on(sleep(1));
      throw new TypeError("mine");
    });
    assert.equal(yield* on(timeout(2, inTime)), "result");
    yield* rejects(on(timeout(2, failing)), TypeError, "mine");
    assert.equal(getRunningLoop().timers.next(), null);
  },
);

inEachFlavour("too late, the body is cancelled and TimeoutError comes out", function* ({ on, body }) {
  const log: string[] = [];
  const late = body(function* (deadline: Timeout) {
    try {
      yield* on(sleep(10));
    } catch (error) {
      log.push(String(error), String(deadline.expired()));
      throw error;
    }
  });
  const error = yield* rejects(on(timeout(2, late)), TimeoutError, "timed out");
  assert.ok(error.cause instanceof CancelledError);
  assert.deepEqual(log, ["CancelledError", "true"]);
  assert.equal(now(), 2);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("the body runs in the calling task, without a turn of the loop", function* ({ on, body }) {
  const look = body(function* () {
    return currentTask()?.getName();
  });
  assert.equal(yield* takesNoTurn(on(timeout(1, look))), currentTask()?.getName());
});

inEachFlavour("null is no deadline", function* ({ on, body }) {
  const long = body(function* (deadline: Timeout) {
    assert.equal(deadline.when(), null);
    yield* on(sleep(1e6));
    return "done";
  });
  assert.equal(yield* on(timeout(null, long)), "done");
  assert.equal(yield* on(timeoutAt(null, long)), "done");
});

inEachFlavour("timeout counts from the call, timeoutAt is by the loop's clock", function* ({ on, body }) {
  const look = body(function* (deadline: Timeout) {
    return deadline.when();
  });
  yield* on(sleep(5));
  const deadline = timeout(3);
  yield* on(sleep(1));
  assert.equal(yield* on(deadline.run(look)), 8);
  assert.equal(yield* on(timeoutAt(7, look)), 7);
});

for (const delay of [0, -1]) {
  inEachFlavour(`a deadline of ${delay} seconds strikes at the first wait`, function* ({ on, body }) {
    const log: string[] = [];
    const wait = body(function* () {
      log.push("begins");
      yield* on(sleep(0));
      log.push("one iteration");
      yield* on(sleep(0));
      log.push("not reached");
    });
    yield* rejects(on(timeout(delay, wait)), TimeoutError);
    assert.deepEqual(log, ["begins"]);
  });
}

inEachFlavour("a body that does not wait any more ends as it ends, late or not", function* ({ on, body }) {
  const deadline = timeout(2);
  const busy = body(function* () {
    try {
      yield* on(sleep(10));
    } catch {}
    return "done";
  });
  assert.equal(yield* on(deadline.run(busy)), "done");
  assert.equal(deadline.expired(), true);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour(
  "an error that the body throws when it is cancelled comes out as it is",
  function* ({ on, body }) {
    const failing = body(function* () {
      try {
        yield* on(sleep(10));
      } catch {
        throw new TypeError("mine");
      }
    });
    const deadline = timeout(1);
    yield* rejects(on(deadline.run(failing)), TypeError, "mine");
    assert.equal(deadline.expired(), true);
  },
);

inEachFlavour("the deadline can be moved, taken away and brought back", function* ({ on, body }) {
  const moved = body(function* (deadline: Timeout) {
    deadline.reschedule(5);
    assert.equal(deadline.when(), 5);
    yield* on(sleep(3));
    deadline.reschedule(null);
    assert.equal(deadline.when(), null);
    yield* on(sleep(10));
    deadline.reschedule(14);
    yield* on(sleep(10));
  });
  yield* rejects(on(timeout(1, moved)), TimeoutError);
  assert.equal(now(), 14);
});

inEachFlavour(
  "a deadline moved into the past strikes in the next iteration, not at once",
  function* ({ on, body }) {
    const log: string[] = [];
    const moved = body(function* (deadline: Timeout) {
      yield* on(sleep(5));
      deadline.reschedule(1);
      log.push(String(deadline.expired()));
      yield* on(sleep(10));
    });
    yield* rejects(on(timeout(null, moved)), TimeoutError);
    assert.deepEqual(log, ["false"]);
    assert.equal(now(), 5);
  },
);

inEachFlavour(
  "a deadline can be moved only between the begin and the end of the body",
  function* ({ on, body }) {
    const deadline = timeout(1);
    assert.throws(() => deadline.reschedule(5), { message: "Timeout has not been entered" });
    const late = body(function* () {
      try {
        yield* on(sleep(10));
      } finally {
        assert.throws(() => deadline.reschedule(5), { message: "Cannot change state of expiring Timeout" });
      }
    });
    yield* rejects(on(deadline.run(late)), TimeoutError);
    assert.throws(() => deadline.reschedule(5), RuntimeError);
    const inTime = timeout(1);
    yield* on(inTime.run(body(function* () {})));
    assert.throws(() => inTime.reschedule(5), { message: "Cannot change state of finished Timeout" });
    assert.equal(inTime.expired(), false);
  },
);

inEachFlavour("a Timeout is used once", function* ({ on, body }) {
  const deadline = timeout(1);
  const nothing = body(function* () {});
  yield* on(deadline.run(nothing));
  yield* rejects(on(deadline.run(nothing)), RuntimeError, "Timeout has already been entered");
});

inEachFlavour("of nested deadlines, the one that struck throws", function* ({ on, body }) {
  const log: string[] = [];
  const nested = (outer: number, inner: number) =>
    timeout(
      outer,
      body(function* () {
        try {
          yield* on(
            timeout(
              inner,
              body(() => on(sleep(10))),
            ),
          );
        } catch (error) {
          log.push((error as Error).name);
          throw error;
        }
      }),
    );
  yield* rejects(on(nested(5, 1)), TimeoutError);
  assert.equal(now(), 1);
  yield* rejects(on(nested(1, 5)), TimeoutError);
  assert.equal(now(), 2);
  assert.deepEqual(log, ["TimeoutError", "CancelledError"]);
});

inEachFlavour(
  "nested deadlines that strike together: the outer one throws in the end",
  function* ({ on, body }) {
    const log: string[] = [];
    const outer = timeout(1);
    const inner = timeout(1);
    const nested = body(function* () {
      try {
        yield* on(inner.run(body(() => on(sleep(10)))));
      } catch (error) {
        log.push((error as Error).name);
        throw error;
      }
    });
    yield* rejects(on(outer.run(nested)), TimeoutError);
    assert.deepEqual([outer.expired(), inner.expired()], [true, true]);
    assert.deepEqual(log, ["CancelledError"]);
    assert.equal(currentTask()?.cancelling(), 0);
  },
);

inEachFlavour(
  "a body that catches its inner TimeoutError goes on under the outer deadline",
  function* ({ on, body }) {
    const retry = body(function* () {
      let tries = 0;
      for (;;) {
        tries++;
        try {
          yield* on(
            timeout(
              2,
              body(() => on(sleep(100))),
            ),
          );
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw Object.assign(error as Error, { tries });
        }
      }
    });
    const error = yield* rejects(on(timeout(5, retry)), TimeoutError);
    assert.equal((error.cause as { tries?: number }).tries, 3);
  },
);

inEachFlavour("a cancellation from outside wins over the deadline", function* ({ on, body, coroutine }) {
  const task = createTask(
    coroutine(function* () {
      yield* on(
        timeout(
          1,
          body(() => on(sleep(10))),
        ),
      );
    })(),
  );
  getRunningLoop().callLater(1, () => task.cancel("from outside"));
  yield* on(sleep(0));
  yield* rejects(on(task), CancelledError);
  assert.equal(task.cancelled(), true);
  assert.equal(task.cancelling(), 1);
});

inEachFlavour(
  "a request to cancel from before the body does not hinder the deadline",
  function* ({ on, body, coroutine }) {
    const task = createTask(
      coroutine(function* () {
        try {
          yield* on(sleep(10));
        } catch {}
        yield* rejects(
          on(
            timeout(
              1,
              body(() => on(sleep(10))),
            ),
          ),
          TimeoutError,
        );
        return currentTask()?.cancelling();
      })(),
    );
    yield* on(sleep(1));
    task.cancel();
    assert.equal(yield* on(task), 1);
  },
);

test("a deadline needs a task", async () => {
  using loop = newLoop();
  const errors: unknown[] = [];
  await loop.runUntilComplete(async () => {
    const step = new Timeout(null).run(() => 1);
    loop.callSoon(() => {
      try {
        step.send();
      } catch (error) {
        errors.push(error);
      }
    });
    await sleep(1);
  });
  assert.equal(String(errors[0]), "RuntimeError: Timeout should be used inside a task");
});

test("a delay needs a loop, and must be a number or null", () => {
  assert.throws(() => timeout(1), { name: "RuntimeError", message: "no running event loop" });
  assert.throws(() => timeout(Number.NaN), ValueError);
  assert.throws(() => timeout("1" as never), TypeError);
  assert.throws(() => timeoutAt(undefined as never), TypeError);
  assert.throws(() => new Timeout(Number.NaN), ValueError);
});

inEachFlavour("a Timeout shows its state", function* ({ on, body }) {
  const deadline = timeoutAt(1);
  assert.equal(String(deadline), "<Timeout [created]>");
  const late = body(function* () {
    assert.equal(String(deadline), "<Timeout [active] when=1>");
    try {
      yield* on(sleep(10));
    } finally {
      assert.equal(inspect(deadline), "<Timeout [expiring]>");
    }
  });
  yield* rejects(on(deadline.run(late)), TimeoutError);
  assert.equal(String(deadline), "<Timeout [expired]>");
});
