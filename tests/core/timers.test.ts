import assert from "node:assert/strict";
import { test } from "node:test";
import { type BaseEventLoop, getRunningLoop, sleep, waitFor } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

const nothing = () => {};

/** Make as many timers for each of the times 1, 2, 3, … */
function makeTimers(loop: BaseEventLoop, count: number) {
  return Array.from({ length: count }, (_, i) => loop.callAt(i + 1, nothing));
}

test("cancelled timers at the front are dropped, the others stay", () => {
  using loop = newLoop();
  const timers = makeTimers(loop, 5);
  timers[0]!.cancel();
  timers[1]!.cancel();
  timers[3]!.cancel();
  assert.equal(loop.timers.next(), 3);
  assert.equal(loop.timers.size, 3);
});

test("up to a hundred timers are never searched for cancelled ones", () => {
  using loop = newLoop();
  const timers = makeTimers(loop, 100);
  for (const timer of timers.slice(1)) timer.cancel();
  assert.equal(loop.timers.next(), 1);
  assert.equal(loop.timers.size, 100);
});

test("more than a hundred timers are purged when more than half are cancelled", () => {
  using loop = newLoop();
  const timers = makeTimers(loop, 200);
  for (const timer of timers.slice(100)) timer.cancel();
  assert.equal(loop.timers.next(), 1);
  assert.equal(loop.timers.size, 200, "exactly half is not enough");
  timers[50]!.cancel();
  assert.equal(loop.timers.next(), 1);
  assert.equal(loop.timers.size, 99);
});

test("a purge keeps the order of the timers, equal times included", async () => {
  using loop = newLoop();
  const log: number[] = [];
  const doomed = makeTimers(loop, 300);
  for (let i = 0; i < 100; i++) loop.callAt(1 + (i % 10), () => log.push(i));
  for (const timer of doomed) timer.cancel();
  await loop.runUntilComplete(() => sleep(20));
  const expected = Array.from({ length: 100 }, (_, i) => i).sort((a, b) => (a % 10) - (b % 10) || a - b);
  assert.deepEqual(log, expected);
});

test("timers come out in order, whatever the order in which they were made and cancelled", async () => {
  using loop = newLoop();
  const log: number[] = [];
  const expected: number[] = [];
  let seed = 7;
  for (let i = 0; i < 500; i++) {
    seed = (seed * 16807) % 2147483647;
    const when = 1 + (seed % 1000);
    const timer = loop.callAt(when, () => log.push(when));
    if (seed % 3 === 0) timer.cancel();
    else expected.push(when);
  }
  await loop.runUntilComplete(() => sleep(2000));
  assert.deepEqual(
    log,
    expected.sort((a, b) => a - b),
  );
});

test("cancelling a timer that ran, or twice, does not upset the count of cancelled timers", async () => {
  using loop = newLoop();
  const ran = loop.callAt(0, nothing);
  await loop.runUntilComplete(() => sleep(0));
  const timers = makeTimers(loop, 150);
  for (let i = 0; i < 200; i++) ran.cancel();
  for (let i = 0; i < 200; i++) timers[100]!.cancel();
  assert.equal(loop.timers.next(), 1);
  assert.equal(loop.timers.size, 150);
});

inEachFlavour("a loop that is never idle drops its cancelled timers all the same", function* ({ on }) {
  const loop = getRunningLoop();
  for (let i = 0; i < 1000; i++) yield* on(waitFor(sleep(0), 3600));
  assert.ok(loop.timers.size <= 101, `${loop.timers.size} timers`);
});

test("a timer for a time without end does not run, and does not keep others from it", async () => {
  using loop = newLoop();
  const log: string[] = [];
  loop.callLater(Number.POSITIVE_INFINITY, () => log.push("never"));
  loop.callLater(3 * 24 * 3600, () => log.push("in three days"));
  await loop.runUntilComplete(() => sleep(4 * 24 * 3600));
  assert.deepEqual(log, ["in three days"]);
});
