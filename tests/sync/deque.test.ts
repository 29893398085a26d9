import assert from "node:assert/strict";
import { test } from "node:test";
import { Deque } from "../../src/sync/deque.ts";
import { collectGarbage } from "../helpers.ts";

test("what is pushed first is shifted first, however pushes and shifts take turns", () => {
  const deque = new Deque<number>();
  const model: number[] = [];
  let seed = 3;
  for (let i = 0; i < 5000; i++) {
    seed = (seed * 16807) % 2147483647;
    if (model.length === 0 || seed % 5 < 3) {
      deque.push(i);
      model.push(i);
    } else {
      assert.equal(deque.shift(), model.shift());
    }
    assert.equal(deque.length, model.length);
  }
  assert.deepEqual([...deque], model);
});

test("the oldest item can be looked at, and stays", () => {
  const deque = new Deque<number>();
  assert.equal(deque.first, undefined);
  deque.push(1);
  deque.push(2);
  assert.equal(deque.first, 1);
  assert.equal(deque.length, 2);
  deque.shift();
  assert.equal(deque.first, 2);
});

test("undefined is an item", () => {
  const deque = new Deque<number | undefined>();
  deque.push(undefined);
  deque.push(1);
  assert.equal(deque.length, 2);
  assert.equal(deque.shift(), undefined);
  assert.deepEqual([...deque], [1]);
});

test("what was shifted is let go of", async () => {
  const deque = new Deque<object>();
  const first = (() => {
    const item = { big: true };
    deque.push(item);
    for (let i = 0; i < 10; i++) deque.push({});
    deque.shift();
    return new WeakRef(item);
  })();
  await collectGarbage();
  assert.equal(first.deref(), undefined);
  assert.equal(deque.length, 10);
});

test("shifting from a long deque is fast", () => {
  const deque = new Deque<number>();
  for (let i = 0; i < 300_000; i++) deque.push(i);
  const begin = performance.now();
  for (let i = 0; i < 300_000; i++) deque.shift();
  assert.ok(performance.now() - begin < 1000, "an array would take minutes");
  assert.equal(deque.length, 0);
});
