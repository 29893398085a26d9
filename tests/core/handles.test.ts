import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { inspect } from "node:util";
import { RecurringHandle } from "../../src/core/handles.ts";
import {
  Context,
  ContextVar,
  currentTask,
  ensureFuture,
  getRunningLoop,
  Handle,
  sleep,
  TimerHandle,
} from "../../src/index.ts";
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

/** More than enough runs for it to count as one that is called often. */
const MANY = 30;

inEachFlavour(
  "a callback that is called again and again is each time called where it was made, as nobody's task",
  function* ({ on }) {
    const loop = getRunningLoop();
    const request = new AsyncLocalStorage<string>();
    const count = new ContextVar<number>("count", { defaultValue: 0 });
    const seen: Promise<unknown>[] = [];
    const lookBehindAwait = async (run: number) => {
      await null;
      return [request.getStore(), currentTask(), count.get() >= run];
    };
    const callback = () => {
      count.set(count.get() + 1);
      seen.push(lookBehindAwait(count.get()));
      request.enterWith("left behind");
    };
    const handle = request.run("there", () => new RecurringHandle(callback, [], loop));
    for (let i = 0; i < MANY; i++) {
      loop.enqueue(handle);
      yield* on(sleep(0));
    }
    assert.deepEqual(yield* on(ensureFuture(Promise.all(seen))), Array(MANY).fill(["there", null, true]));
    assert.equal(count.get(), 0);
  },
);

inEachFlavour("a callback that was called often can be cancelled", function* ({ on }) {
  const loop = getRunningLoop();
  let calls = 0;
  const handle = new RecurringHandle(() => ++calls === MANY && handle.cancel(), [], loop);
  for (let i = 0; i < 2 * MANY; i++) loop.enqueue(handle);
  yield* on(sleep(0));
  assert.equal(calls, MANY);
});
