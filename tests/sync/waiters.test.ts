import assert from "node:assert/strict";
import { test } from "node:test";
import { Line, Waiter } from "../../src/sync/waiters.ts";
import { newLoop } from "../helpers.ts";

function lineOf(count: number) {
  const loop = newLoop();
  const line = new Line();
  const waiters = Array.from({ length: count }, () => new Waiter({ loop }));
  for (const waiter of waiters) line.add(waiter);
  return { line, waiters, [Symbol.dispose]: () => loop.close() };
}

const states = (waiters: readonly Waiter[]) => waiters.map((waiter) => waiter.done());

test("waking passes over those who were told before, and leaves all in line", () => {
  using made = lineOf(4);
  const { line, waiters } = made;
  waiters[1]!.cancel();
  assert.equal(line.wake(2), 2);
  assert.deepEqual(states(waiters), [true, true, true, false]);
  assert.equal(line.wake(Number.POSITIVE_INFINITY), 1);
  assert.equal(line.wake(1), 0);
  assert.equal(line.length, 4);
});

test("a line is abandoned if only cancelled ones are in it", () => {
  using made = lineOf(2);
  const { line, waiters } = made;
  assert.equal(line.abandoned, false);
  for (const waiter of waiters) waiter.cancel();
  assert.equal(line.abandoned, true);
  assert.equal(new Line().abandoned, true);
});
