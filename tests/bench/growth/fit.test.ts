import assert from "node:assert/strict";
import { test } from "node:test";
import { exponent, limit, type Point, steepest } from "../../../bench/growth/fit.ts";

const NS = [10, 100, 1000, 10_000];
const pointsOf = (f: (n: number) => number): Point[] => NS.map((n) => [n, f(n)]);

function assertClose(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

test("the exponent of a power is that of the power, whatever its factor", () => {
  assertClose(exponent(pointsOf((n) => 3e-7 * n ** 2)), 2);
  assertClose(exponent(pointsOf((n) => 5 * n)), 1);
  assertClose(exponent(pointsOf(() => 7)), 0);
});

test("n log n is below the limit, and so is little more, but not n to the power of 1.5", () => {
  assert.ok(exponent(pointsOf((n) => n)) < limit(NS));
  assert.ok(exponent(pointsOf((n) => n * Math.log(n))) < limit(NS));
  assert.ok(exponent(pointsOf((n) => n ** 1.5)) > limit(NS));
});

test("the steepest step is the one that grows fastest, not the one that grows most", () => {
  const step = steepest([
    [1, 1],
    [10, 2],
    [100, 200],
    [1000, 1000],
  ]);
  assertClose(step.exponent, 2);
  assert.deepEqual([step.from, step.to], [10, 100]);
});
