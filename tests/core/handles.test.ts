import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Context, getRunningLoop, Handle, sleep, TimerHandle } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectGarbage, collectReports, iterate, newLoop } from "../helpers.ts";

test("callSoon gives a Handle, callLater and callAt give a TimerHandle", () => {
  using loop = newLoop();
  assert.ok(loop.callSoon(() => {}) instanceof Handle);
  assert.ok(!(loop.callSoon(() => {}) instanceof TimerHandle));
  assert.ok(loop.callLater(1, () => {}) instanceof TimerHandle);
  assert.ok(loop.callAt(1, () => {}) instanceof TimerHandle);
});

inEachFlavour("a handle knows whether it was cancelled, and may be cancelled again", function* ({ on }) {
  const log: string[] = [];
  const handle = getRunningLoop().callSoon(() => log.push("ran"));
  assert.equal(handle.cancelled(), false);
  handle.cancel();
  handle.cancel();
  assert.equal(handle.cancelled(), true);
  yield* on(sleep(0));
  assert.deepEqual(log, []);
});

inEachFlavour("cancelling a handle that ran has no effect", function* ({ on }) {
  const log: string[] = [];
  const handle = getRunningLoop().callSoon(() => log.push("ran"));
  yield* on(sleep(0));
  handle.cancel();
  assert.deepEqual(log, ["ran"]);
});

test("a handle knows its context", () => {
  using loop = newLoop();
  const context = new Context();
  assert.equal(loop.callSoon(() => {}, { context }).getContext(), context);
  assert.ok(loop.callLater(1, () => {}).getContext() instanceof Context);
});

test("a timer knows when it is due", () => {
  using loop = newLoop();
  assert.equal(loop.callLater(5, () => {}).when(), 5);
});

test("a handle shows its callback, its time and its cancellation", () => {
  using loop = newLoop();
  function work() {}
  const soon = loop.callSoon(work);
  const timer = loop.callAt(1.5, work);
  assert.equal(String(soon), "<Handle work()>");
  assert.equal(inspect(timer), "<TimerHandle when=1.5 work()>");
  soon.cancel();
  timer.cancel();
  assert.equal(inspect(soon), "<Handle cancelled>");
  assert.equal(String(timer), "<TimerHandle when=1.5 cancelled>");
});

test("a cancelled timer lets go of its callback and arguments, though it is scheduled still", async () => {
  using loop = newLoop();
  const makeTimer = (): [TimerHandle, WeakRef<object>] => {
    const big = { big: true };
    return [loop.callLater(3600, (_: object) => {}, big), new WeakRef(big)];
  };
  const [timer, big] = makeTimer();
  timer.cancel();
  await collectGarbage();
  assert.equal(big.deref(), undefined);
  assert.equal(loop.timers.size, 1);
});

test("an async function as a callback that fails is reported as a callback that failed", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const fail = async () => {
    await sleep(1);
    throw new Error("late");
  };
  loop.callSoon(fail);
  await loop.runUntilComplete(sleep(2));
  assert.deepEqual(
    reports.map(({ message, exception }) => [message, String(exception)]),
    [["Exception in callback fail()", "Error: late"]],
  );
});

test("a handle and a timer are cancelled at the end of a using block", async () => {
  using loop = newLoop();
  const log: string[] = [];
  {
    using handle = loop.callSoon(() => log.push("soon"));
    using timer = loop.callLater(0, () => log.push("later"));
    assert.equal(handle.cancelled() || timer.cancelled(), false);
  }
  await iterate(loop, 2);
  assert.deepEqual(log, []);
});

test("in debug mode a handle shows where it was made", () => {
  using loop = newLoop();
  loop.setDebug(true);
  function work() {}
  assert.match(String(loop.callSoon(work)), /^<Handle work\(\) created at \S+handles\.test\.ts:\d+:\d+>$/);
  const timer = loop.callAt(1.5, work);
  timer.cancel();
  assert.match(inspect(timer), /^<TimerHandle when=1\.5 cancelled created at \S+handles\.test\.ts:\d+:\d+>$/);
});
