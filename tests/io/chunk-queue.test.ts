import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkQueue } from "../../src/io/chunk-queue.ts";

test("chunks come out in their order, and what is put back comes first", () => {
  const queue = new ChunkQueue();
  queue.push(Buffer.from("one"));
  queue.push(Buffer.from("three"));
  assert.equal(queue.size, 8);
  assert.equal(String(queue.shift()), "one");
  queue.unshift(Buffer.from("e"));
  assert.equal(queue.size, 6);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift()].map(String), ["e", "three", "undefined"]);
  assert.equal(queue.size, 0);
});

test("clearing it leaves nothing", () => {
  const queue = new ChunkQueue();
  queue.push(Buffer.from("one"));
  queue.clear();
  assert.equal(queue.size, 0);
  assert.equal(queue.shift(), undefined);
});
