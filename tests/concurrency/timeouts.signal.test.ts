import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import {
  CancelledError,
  createTask,
  currentTask,
  getRunningLoop,
  sleep,
  Timeout,
  TimeoutError,
  timeout,
  timeoutAt,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour } from "../flavours.ts";
import { rejects, takesNoTurn } from "../helpers.ts";

class Reason extends Error {}

const now = () => getRunningLoop().time();
const listenersOf = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

/** A signal that aborts at this time of the loop. */
function abortingAt(when: number) {
  const controller = new AbortController();
  const reason = new Reason("enough");
  getRunningLoop().callAt(when, () => controller.abort(reason));
  return { controller, signal: controller.signal, reason };
}

/** A body that waits for so many seconds. */
function sleeper({ on, body }: Flavour) {
  return (seconds: number) =>
    body(function* (_deadline: Timeout) {
      yield* on(sleep(seconds));
      return "done";
    });
}

inEachFlavour("when the signal aborts, the body is cancelled and the reason comes out", function* (flavour) {
  const { on, body } = flavour;
  const { signal, reason } = abortingAt(2);
  const log: string[] = [];
  const late = body(function* (deadline: Timeout) {
    try {
      yield* on(sleep(10));
    } catch (error) {
      log.push(String(error), String(deadline.expired()));
      throw error;
    }
  });
  const deadline = timeout(5, { signal });
  assert.equal(yield* rejects(on(deadline.run(late)), Reason), reason);
  assert.deepEqual(log, ["CancelledError", "false"]);
  assert.equal(now(), 2);
  assert.equal(currentTask()?.cancelling(), 0);
  assert.equal(deadline.expired(), false);
  assert.equal(String(deadline), "<Timeout [aborted]>");
  assert.equal(listenersOf(signal), 0);
  assert.equal(getRunningLoop().timers.next(), null, "the deadline is dropped");
  yield* on(sleep(1));
});

inEachFlavour("each way to give a signal is the same", function* (flavour) {
  const { on } = flavour;
  const sleeping = sleeper(flavour)(10);
  const ways: ((signal: AbortSignal) => Parameters<typeof on>[0])[] = [
    (signal) => timeout(5, sleeping, { signal }),
    (signal) => timeout(null, sleeping, { signal }),
    (signal) => timeout(5, { signal }).run(sleeping),
    (signal) => timeoutAt(1e3, sleeping, { signal }),
    (signal) => timeoutAt(null, { signal }).run(sleeping),
    (signal) => new Timeout(null, { signal }).run(sleeping),
  ];
  for (const way of ways) {
    const { signal, reason } = abortingAt(now() + 1);
    assert.equal(yield* rejects(on(way(signal)), Reason), reason);
  }
  assert.equal(now(), ways.length);
});

inEachFlavour(
  "in time, the body's result or error comes out, and nobody listens any more",
  function* (flavour) {
    const { on, body } = flavour;
    const { signal } = new AbortController();
    let listening = 0;
    const failing = body(function* () {
      listening = listenersOf(signal);
      yield* on(sleep(1));
      throw new TypeError("mine");
    });
    assert.equal(yield* on(timeout(null, sleeper(flavour)(1), { signal })), "done");
    yield* rejects(on(timeout(null, failing, { signal })), TypeError, "mine");
    assert.equal(listening, 1);
    assert.equal(listenersOf(signal), 0);
  },
);

inEachFlavour("a signal that has aborted strikes at the first wait", function* ({ on, body }) {
  const signal = AbortSignal.abort(new Reason("before"));
  const log: string[] = [];
  const wait = body(function* () {
    log.push("begins");
    assert.equal(
      currentTask()?.cancelling(),
      0,
      "it strikes in the next iteration, as a deadline in the past",
    );
    yield* on(sleep(0));
    log.push("one iteration");
    yield* on(sleep(0));
    log.push("not reached");
  });
  yield* rejects(on(timeout(null, wait, { signal })), Reason, "before");
  assert.deepEqual(log, ["begins"]);
});

inEachFlavour("a signal that has aborted does not reach behind a body that is over", function* (flavour) {
  const { on, body } = flavour;
  const signal = AbortSignal.abort();
  const quick = body(function* () {
    return "quick";
  });
  assert.equal(yield* takesNoTurn(on(timeout(null, quick, { signal }))), "quick");
  yield* on(sleep(1));
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("the first of deadline and abort decides", function* (flavour) {
  const { on, body } = flavour;
  const slowly = body(function* () {
    try {
      yield* on(sleep(10));
    } finally {
      yield* on(sleep(3));
    }
  });
  const first = abortingAt(1);
  yield* rejects(on(timeout(2, slowly, first)), Reason);
  assert.equal(now(), 4);
  const second = abortingAt(6);
  const deadline = timeout(1, second);
  yield* rejects(on(deadline.run(slowly)), TimeoutError);
  assert.equal(deadline.expired(), true);
  assert.equal(currentTask()?.cancelling(), 0);
});

inEachFlavour("a body can abort its own signal, and goes on to its next wait", function* ({ on, body }) {
  const controller = new AbortController();
  const log: string[] = [];
  const aborting = body(function* () {
    controller.abort(new Reason("own"));
    log.push("goes on");
    yield* on(sleep(1));
    log.push("not reached");
  });
  yield* rejects(on(timeout(null, aborting, controller)), Reason, "own");
  assert.deepEqual(log, ["goes on"]);
});

inEachFlavour("a body that heeds no abort ends as it ends", function* ({ on, body }) {
  const { signal } = abortingAt(1);
  const stubborn = body(function* () {
    try {
      yield* on(sleep(10));
    } catch {}
    return "done";
  });
  assert.equal(yield* on(timeout(null, stubborn, { signal })), "done");
  assert.equal(currentTask()?.cancelling(), 0);
  const again = abortingAt(2);
  const failing = body(function* () {
    try {
      yield* on(sleep(10));
    } catch {
      throw new TypeError("mine");
    }
  });
  yield* rejects(on(timeout(null, failing, again)), TypeError, "mine");
});

inEachFlavour("a cancellation from outside wins over the abort", function* (flavour) {
  const { on, coroutine } = flavour;
  const { signal } = abortingAt(1);
  const task = createTask(
    coroutine(function* () {
      yield* on(timeout(null, sleeper(flavour)(10), { signal }));
    })(),
  );
  getRunningLoop().callLater(1, () => task.cancel("from outside"));
  yield* on(sleep(0));
  yield* rejects(on(task), CancelledError);
  assert.equal(task.cancelling(), 1);
});

inEachFlavour("of nested scopes, the one whose signal aborted throws", function* (flavour) {
  const { on, body } = flavour;
  const outer = abortingAt(1);
  const inner = new AbortController();
  const log: string[] = [];
  const nested = body(function* () {
    try {
      yield* on(timeout(null, sleeper(flavour)(10), inner));
    } catch (error) {
      log.push((error as Error).name);
      throw error;
    }
  });
  yield* rejects(on(timeout(null, nested, outer)), Reason);
  assert.deepEqual(log, ["CancelledError"]);
});

inEachFlavour("a deadline cannot be moved when the signal struck", function* ({ on, body }) {
  const aborted = abortingAt(1);
  const moving = body(function* (deadline: Timeout) {
    try {
      yield* on(sleep(10));
    } finally {
      assert.throws(() => deadline.reschedule(50), { message: "Cannot change state of aborting Timeout" });
    }
  });
  yield* rejects(on(timeout(20, moving, aborted)), Reason);
});

test("a signal is an AbortSignal, and a body a function", () => {
  const signal = {} as AbortSignal;
  assert.throws(() => new Timeout(null, { signal }), TypeError);
  assert.throws(() => timeoutAt(null, { signal }), /TypeError: signal must be an AbortSignal/);
  assert.throws(() => timeoutAt(null, () => 1, { signal }), TypeError);
  for (const body of [Promise.resolve(), sleep(1), (function* () {})(), 5, "body", null]) {
    assert.throws(() => timeoutAt(null, body as never), /TypeError: a function was expected, not /);
  }
});
