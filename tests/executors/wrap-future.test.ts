import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  ConcurrentFuture,
  getRunningLoop,
  RuntimeError,
  sleep,
  wrapFuture,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects } from "../helpers.ts";

inEachFlavour("a future of the loop follows it", function* ({ on }) {
  const loop = getRunningLoop();
  const future = new ConcurrentFuture<number>();
  const follower = wrapFuture(future);
  assert.equal(follower.getLoop(), loop);
  future.setResult(1);
  assert.equal(follower.done(), false);
  assert.equal(yield* on(follower), 1);
  const failed = new ConcurrentFuture();
  failed.setException(undefined);
  try {
    yield* on(wrapFuture(failed));
    assert.fail();
  } catch (error) {
    assert.equal(error, undefined);
  }
});

inEachFlavour("cancelling goes both ways", function* ({ on }) {
  const future = new ConcurrentFuture<number>();
  const follower = wrapFuture(future);
  follower.cancel();
  yield* on(sleep(0));
  assert.equal(future.cancelled(), true);
  const other = new ConcurrentFuture<number>();
  const its = wrapFuture(other);
  other.cancel();
  yield* rejects(on(its), CancelledError);
});

inEachFlavour("an outcome after the follower was cancelled is dropped", function* ({ on }) {
  const future = new ConcurrentFuture<number>();
  future.setRunningOrNotifyCancel();
  const follower = wrapFuture(future);
  follower.cancel();
  yield* on(sleep(0));
  future.setResult(1);
  yield* on(sleep(0));
  assert.equal(follower.cancelled(), true);
});

inEachFlavour("a future or task of a loop is given back as it is", function* () {
  const future = getRunningLoop().createFuture();
  assert.equal(wrapFuture(future), future);
});

test("the outcome for a loop that was closed is dropped", () => {
  using log = new CapturedLog();
  const loop = newLoop();
  const future = new ConcurrentFuture<number>();
  const follower = wrapFuture(future, { loop });
  loop.close();
  future.setResult(1);
  assert.deepEqual(log.of("error"), []);
  assert.equal(follower.done(), false);
});

test("anything else is refused, and so is a call without a loop", () => {
  using loop = newLoop();
  assert.throws(() => wrapFuture(Promise.resolve(1) as never, { loop }), TypeError);
  assert.throws(() => wrapFuture(null as never, { loop }), TypeError);
  assert.throws(() => wrapFuture(new ConcurrentFuture()), RuntimeError);
});

inEachFlavour("what came of it between the two loops' turns is nobody's error", function* ({ on }) {
  using log = new CapturedLog();
  const reports = collectReports();
  const future = new ConcurrentFuture<number>();
  const follower = wrapFuture(future);
  future.setResult(1);
  follower.cancel();
  yield* on(sleep(0));
  yield* on(sleep(0));
  assert.deepEqual([reports, log.of("error")], [[], []]);
});

inEachFlavour("who completes the follower himself does not cancel what it follows", function* ({ on }) {
  const future = new ConcurrentFuture<number>();
  wrapFuture(future).setResult(5);
  yield* on(sleep(0));
  assert.equal(future.cancelled(), false);
});
