import assert from "node:assert/strict";
import { test } from "node:test";
import { atLeast, atMost, atMostMore, compare, isReached, textOf } from "../../bench/aim.ts";

test("a rate that is twice theirs is twice as fast", () => {
  assert.equal(compare(atLeast(1), 200, 100), 2);
});

test("a time that is half of theirs is twice as fast", () => {
  assert.equal(compare(atLeast(1, "time"), 50, 100), 2);
});

test("an amount is set beside theirs as it is", () => {
  assert.equal(compare(atMost(1), 50, 100), 0.5);
});

test("a difference is what ours has more", () => {
  assert.equal(compare(atMostMore(25), 130, 100), 30);
});

test("speed must reach its bound, memory and differences must not exceed it", () => {
  for (const aim of [atLeast(2), atLeast(2, "time")]) {
    assert.deepEqual(
      [1.99, 2, 2.01].map((value) => isReached(aim, value)),
      [false, true, true],
    );
  }
  for (const aim of [atMost(2), atMostMore(2)]) {
    assert.deepEqual(
      [1.99, 2, 2.01].map((value) => isReached(aim, value)),
      [true, true, false],
    );
  }
});

test("an aim says what it asks for", () => {
  const texts = [atLeast(1.2), atLeast(3, "time"), atMost(1), atMostMore(25)].map((aim) => textOf(aim, "ms"));
  assert.deepEqual(texts, ["≥ 1.20", "≥ 3.00", "≤ 1.00", "≤ 25 ms more"]);
});
