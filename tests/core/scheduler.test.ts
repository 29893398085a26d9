import assert from "node:assert/strict";
import { test } from "node:test";
import { getRunningLoop } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { iterate, newLoop, turnsOf } from "../helpers.ts";

test("callbacks run in the order in which they were queued, with their arguments", async () => {
  using loop = newLoop();
  const log: unknown[] = [];
  loop.callSoon((...args: unknown[]) => log.push(args), 1, "two", { three: 3 });
  loop.callSoon(() => log.push("second"));
  loop.callSoon((...args: unknown[]) => log.push(args));
  assert.deepEqual(log, [], "callSoon never calls at once");
  await iterate(loop, 1);
  assert.deepEqual(log, [[1, "two", { three: 3 }], "second", []]);
});

test("an iteration runs what was queued at its begin, and nothing that is queued meanwhile", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callSoon(() => {
    log.push("a");
    loop.callSoon(() => log.push("a's child"));
  });
  loop.callSoon(() => log.push("b"));
  await iterate(loop, 1);
  assert.deepEqual(log, ["a", "b"]);
  await iterate(loop, 1);
  assert.deepEqual(log, ["a", "b", "a's child"]);
});

test("due timers run behind the callbacks that were ready before", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callLater(0, () => log.push("timer"));
  loop.callLater(-5, () => log.push("overdue timer"));
  loop.callSoon(() => log.push("ready"));
  await iterate(loop, 1);
  assert.deepEqual(log, ["ready", "overdue timer", "timer"]);
});

test("timers run in the order of their times, equal times in the order in which they were made", async () => {
  using loop = newLoop();
  const log: string[] = [];
  for (const name of "abcdefgh") loop.callLater(2, () => log.push(name));
  loop.callAt(1, () => log.push("first"));
  loop.callAt(3, () => loop.stop());
  await loop.runForever();
  assert.equal(log.join(" "), "first a b c d e f g h");
  assert.equal(loop.time(), 3);
});

test("a cancelled callback does not run, even if it is cancelled in the same iteration", async () => {
  using loop = newLoop();
  const log: string[] = [];
  const early = loop.callSoon(() => log.push("early"));
  early.cancel();
  loop.callSoon(() => {
    behind.cancel();
    timer.cancel();
  });
  const behind = loop.callSoon(() => log.push("behind"));
  const timer = loop.callLater(0, () => log.push("timer"));
  await iterate(loop, 2);
  assert.deepEqual(log, []);
});

inEachFlavour("callbacks that queue each other take an iteration each", function* ({ on }) {
  const loop = getRunningLoop();
  const done = loop.createFuture<void>();
  const step = (left: number): void => {
    if (left === 0) done.setResult(undefined);
    else loop.callSoon(step, left - 1);
  };
  loop.callSoon(step, 5);
  assert.equal(yield* turnsOf(on(done)), 6);
});
