import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  ConcurrentFuture,
  createTask,
  InvalidStateError,
  RuntimeError,
  SystemExit,
  sleep,
  TimeoutError,
  ValueError,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { inEachFlavour } from "../flavours.ts";
import { rejects } from "../helpers.ts";

test("a future goes from pending by running to finished", () => {
  const future = new ConcurrentFuture<number>();
  assert.deepEqual([future.done(), future.running(), future.cancelled()], [false, false, false]);
  assert.equal(future.setRunningOrNotifyCancel(), true);
  assert.deepEqual([future.done(), future.running(), future.cancelled()], [false, true, false]);
  future.setResult(5);
  assert.deepEqual([future.done(), future.running(), future.cancelled()], [true, false, false]);
  assert.equal(future.result(), 5);
  assert.equal(future.exception(), null);
});

test("an error is thrown by result, and given by exception, whatever it is", () => {
  for (const error of [new RangeError("x"), undefined, null, "text"]) {
    const future = new ConcurrentFuture();
    future.setException(error);
    assert.equal(future.exception(), error);
    assert.throws(
      () => future.result(),
      (thrown) => thrown === error,
    );
  }
});

test("one that is pending can be cancelled, as often as one likes; one that runs or is done cannot", () => {
  const pending = new ConcurrentFuture();
  assert.equal(pending.cancel(), true);
  assert.equal(pending.cancel(), true);
  assert.equal(pending.cancelled(), true);
  assert.throws(() => pending.result(), CancelledError);
  assert.throws(() => pending.exception(), CancelledError);
  const running = new ConcurrentFuture();
  running.setRunningOrNotifyCancel();
  assert.equal(running.cancel(), false);
  running.setResult(1);
  assert.equal(running.cancel(), false);
  assert.equal(running.result(), 1);
});

test("it is begun at most once, and not after it was cancelled", () => {
  const cancelled = new ConcurrentFuture();
  cancelled.cancel();
  assert.equal(cancelled.setRunningOrNotifyCancel(), false);
  const begun = new ConcurrentFuture();
  begun.setRunningOrNotifyCancel();
  assert.throws(() => begun.setRunningOrNotifyCancel(), InvalidStateError);
});

test("what is done cannot be completed again", () => {
  const future = new ConcurrentFuture();
  future.setResult(1);
  assert.throws(() => future.setResult(2), InvalidStateError);
  assert.throws(() => future.setException(new Error()), InvalidStateError);
  const cancelled = new ConcurrentFuture();
  cancelled.cancel();
  assert.throws(() => cancelled.setResult(2), InvalidStateError);
});

test("callbacks run at once, in their order; what one throws is logged, and stops no other", () => {
  using log = new CapturedLog();
  const future = new ConcurrentFuture<number>();
  const calls: unknown[] = [];
  future.addDoneCallback((one) => calls.push(["first", one === future]));
  future.addDoneCallback(() => {
    throw new RangeError("in a callback");
  });
  future.addDoneCallback(() => calls.push("last"));
  assert.throws(() => future.addDoneCallback(5 as never), TypeError);
  future.setResult(1);
  future.addDoneCallback(() => calls.push("late"));
  assert.deepEqual(calls, [["first", true], "last", "late"]);
  assert.deepEqual(log.of("error"), [
    "exception calling callback for <ConcurrentFuture finished returned number>",
  ]);
});

test("nobody can block for one that is not done", () => {
  const future = new ConcurrentFuture();
  assert.throws(() => future.result(0), TimeoutError);
  assert.throws(() => future.exception(-1), TimeoutError);
  assert.throws(() => future.result(), RuntimeError);
  assert.throws(() => future.result(5), RuntimeError);
  assert.throws(() => future.result(Number.NaN), ValueError);
  assert.throws(() => future.result("1" as never), TypeError);
});

test("it tells its state as text", () => {
  const future = new ConcurrentFuture();
  assert.equal(String(future), "<ConcurrentFuture pending>");
  future.setException(new RangeError());
  assert.equal(String(future), "<ConcurrentFuture finished raised RangeError>");
});

test("in plain code it can be awaited", async () => {
  const future = new ConcurrentFuture<number>();
  setImmediate(() => future.setResult(3));
  assert.equal(await future, 3);
  const failed = new ConcurrentFuture<number>();
  failed.setException(new RangeError("x"));
  await assert.rejects(Promise.resolve(failed), RangeError);
  const cancelled = new ConcurrentFuture<number>();
  cancelled.cancel();
  await assert.rejects(Promise.resolve(cancelled), CancelledError);
});

inEachFlavour("a task can wait for it", function* ({ on }) {
  const future = new ConcurrentFuture<number>();
  const failed = new ConcurrentFuture<number>();
  createTask(function* () {
    yield* sleep(1);
    future.setResult(4);
    failed.setException(new RangeError("x"));
  });
  assert.equal(yield* on(future), 4);
  yield* rejects(on(failed), RangeError);
});

inEachFlavour("cancelling a task that waits for it cancels it", function* ({ on, coroutine }) {
  const future = new ConcurrentFuture<number>();
  const waiting = coroutine(function* () {
    return yield* on(future);
  });
  const task = createTask(waiting());
  yield* on(sleep(1));
  task.cancel();
  yield* rejects(on(task), CancelledError);
  assert.equal(future.cancelled(), true);
});

test("what is fatal is thrown on by whatever completes the future", () => {
  const future = new ConcurrentFuture<number>();
  future.addDoneCallback(() => {
    throw new SystemExit(3);
  });
  assert.throws(() => future.setResult(1), SystemExit);
});

test("a callback that was taken back is not called", () => {
  const future = new ConcurrentFuture<number>();
  const calls: string[] = [];
  const first = () => calls.push("first");
  future.addDoneCallback(first);
  future.addDoneCallback(() => calls.push("second"));
  future.removeDoneCallback(first);
  future.setResult(1);
  assert.deepEqual(calls, ["second"]);
});

test("an executor can say that a call that ran was cancelled, once", () => {
  class Stoppable extends ConcurrentFuture<number> {
    stop() {
      this.setCancelled();
    }
  }
  const future = new Stoppable();
  future.setRunningOrNotifyCancel();
  future.stop();
  assert.equal(future.cancelled(), true);
  assert.throws(() => future.stop(), InvalidStateError);
});
