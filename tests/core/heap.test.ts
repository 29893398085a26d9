import assert from "node:assert/strict";
import { test } from "node:test";
import { Heap } from "../../src/core/heap.ts";
import { collectGarbage } from "../helpers.ts";

const numerically = (a: number, b: number) => a - b;

function heapOf(...numbers: number[]): Heap<number> {
  const heap = new Heap(numerically);
  for (const number of numbers) heap.push(number);
  return heap;
}

function drain<T>(heap: Heap<T>): T[] {
  const items: T[] = [];
  while (heap.length > 0) items.push(heap.shift());
  return items;
}

/** Each order in which `items` can come. */
function* permutations<T>(items: readonly T[]): Generator<T[], void> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

test("items come out in their order, whatever the order in which they went in", () => {
  for (const items of permutations([1, 2, 3, 4, 5, 6])) {
    assert.deepEqual(drain(heapOf(...items)), [1, 2, 3, 4, 5, 6], `pushed: ${items}`);
  }
});

test("equal items all come out", () => {
  for (const items of permutations([1, 1, 2, 2, 2, 3])) {
    assert.deepEqual(drain(heapOf(...items)), [1, 1, 2, 2, 2, 3], `pushed: ${items}`);
  }
});

test("the smallest of what is there comes out, however pushes and shifts take turns", () => {
  const heap = new Heap(numerically);
  const model: number[] = [];
  let seed = 3;
  for (let i = 0; i < 5000; i++) {
    seed = (seed * 16807) % 2147483647;
    if (model.length === 0 || seed % 5 < 3) {
      heap.push(seed % 100);
      model.push(seed % 100);
      model.sort(numerically);
    } else {
      assert.equal(heap.shift(), model.shift());
    }
    assert.equal(heap.length, model.length);
    assert.equal(heap.first, model[0]);
  }
  assert.deepEqual([...heap].sort(numerically), model);
});

test("the first item can be looked at, and stays", () => {
  assert.equal(heapOf().first, undefined);
  const heap = heapOf(2, 1, 3);
  assert.equal(heap.first, 1);
  assert.equal(heap.length, 3);
  assert.deepEqual([...heap].sort(numerically), [1, 2, 3]);
});

test("the order is what the function says that it was given", () => {
  const heap = new Heap<string>((a, b) => b.length - a.length);
  for (const word of ["a", "ccc", "bb"]) heap.push(word);
  assert.deepEqual(drain(heap), ["ccc", "bb", "a"]);
});

/** A heap whose order fails after some more comparisons, once it is told so. */
function fragileHeapOf(items: readonly number[]) {
  let left = Number.POSITIVE_INFINITY;
  const heap = new Heap<number>((a, b) => {
    if (left-- <= 0) throw new TypeError("no order");
    return a - b;
  });
  for (const item of items) heap.push(item);
  const failAfter = (comparisons: number) => {
    left = comparisons;
  };
  return { heap, failAfter };
}

test("an item that cannot be compared is not added, and the others stay as they are", () => {
  for (const items of permutations([1, 2, 3, 4, 5])) {
    // Smaller than all, the new item would rise to the top, with two comparisons.
    for (const comparisons of [0, 1]) {
      const { heap, failAfter } = fragileHeapOf(items);
      failAfter(comparisons);
      assert.throws(() => heap.push(0), TypeError);
      failAfter(Number.POSITIVE_INFINITY);
      assert.deepEqual(drain(heap), [1, 2, 3, 4, 5], `pushed: ${items}`);
    }
  }
});

test("if the others cannot be compared when an item is taken out, all stay", () => {
  for (const comparisons of [0, 1, 2, 3]) {
    const { heap, failAfter } = fragileHeapOf([1, 2, 3, 4, 5, 6, 7]);
    failAfter(comparisons);
    assert.throws(() => heap.shift(), TypeError);
    failAfter(Number.POSITIVE_INFINITY);
    assert.deepEqual(drain(heap), [1, 2, 3, 4, 5, 6, 7]);
  }
});

test("what was taken out is let go of", async () => {
  const heap = new Heap<{ rank: number }>((a, b) => a.rank - b.rank);
  const first = (() => {
    const item = { rank: 0 };
    heap.push(item);
    for (let rank = 1; rank < 10; rank++) heap.push({ rank });
    heap.shift();
    return new WeakRef(item);
  })();
  await collectGarbage();
  assert.equal(first.deref(), undefined);
  assert.equal(heap.length, 9);
});
