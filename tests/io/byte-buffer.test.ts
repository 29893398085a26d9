import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../src/io/byte-buffer.ts";
import { Random } from "./streams-support.ts";

test("what goes in comes out in the same order, however it is cut", () => {
  const random = new Random(1);
  for (let round = 0; round < 500; round++) {
    const buffer = new ByteBuffer();
    let model = Buffer.alloc(0);
    for (let step = 0; step < 30; step++) {
      if (random.int(0, 1) === 0) {
        const chunk = random.bytes(random.int(0, 20), "abc");
        buffer.append(chunk);
        model = Buffer.concat([model, chunk]);
      } else {
        const count = random.int(0, model.length);
        assert.deepEqual(buffer.take(count), model.subarray(0, count));
        model = model.subarray(count);
      }
      const from = random.int(0, model.length);
      assert.equal(buffer.indexOf(Buffer.from("ab"), from), model.indexOf("ab", from));
      assert.equal(buffer.length, model.length);
    }
    assert.deepEqual(buffer.takeAll(), model);
  }
});

test("a chunk that comes into an empty buffer is not copied", () => {
  const buffer = new ByteBuffer();
  const chunk = Buffer.from("hello");
  buffer.append(chunk);
  assert.equal(buffer.takeAll(), chunk);
  buffer.append(new Uint8Array(chunk.buffer, chunk.byteOffset, 5));
  assert.equal(buffer.take(2).buffer, chunk.buffer);
});

test("what was taken out is never overwritten", () => {
  const random = new Random(2);
  const buffer = new ByteBuffer();
  const taken: { bytes: Buffer; copy: Buffer }[] = [];
  for (let step = 0; step < 3000; step++) {
    buffer.append(random.bytes(random.int(1, 50), "abcdefgh"));
    const bytes = buffer.take(random.int(0, buffer.length));
    taken.push({ bytes, copy: Buffer.from(bytes) });
  }
  for (const { bytes, copy } of taken) assert.deepEqual(bytes, copy);
});

test("nothing is written behind a chunk into memory of somebody else", () => {
  const slab = Buffer.from("aabbcc");
  const buffer = new ByteBuffer();
  buffer.append(slab.subarray(0, 2));
  buffer.append(Buffer.from("xx"));
  assert.equal(buffer.takeAll().toString(), "aaxx");
  assert.equal(slab.toString(), "aabbcc");
});

test("what lies in the room behind the bytes is not found", () => {
  const buffer = new ByteBuffer();
  buffer.append(Buffer.from("x".repeat(100)));
  buffer.append(Buffer.from("y"));
  buffer.append(Buffer.from("\n"));
  assert.equal(buffer.indexOf(Buffer.from("\n")), 101);
  assert.equal(buffer.indexOf(Buffer.from("y\n\0")), -1);
  assert.equal(buffer.indexOf(Buffer.from("y\n"), 0, 101), -1);
  assert.equal(buffer.indexOf(Buffer.from("y\n"), 0, 102), 100);
});

test("chunks can be put back", () => {
  const buffer = new ByteBuffer();
  buffer.append(Buffer.from("abcdef"));
  const chunks = [buffer.take(1), buffer.take(2)];
  const { taken } = buffer;
  buffer.unshift(chunks);
  assert.equal(buffer.taken, taken - 3);
  assert.equal(buffer.takeAll().toString(), "abcdef");
  buffer.unshift([]);
  assert.equal(buffer.length, 0);
});

test("a few bytes do not keep a large block alive when they stay", () => {
  const block = Buffer.alloc(256 * 1024, "x");
  const buffer = new ByteBuffer();
  buffer.append(block.subarray(10, 20));
  buffer.compact();
  buffer.append(Buffer.from("yz"));
  buffer.compact();
  const bytes = buffer.takeAll();
  assert.equal(bytes.toString(), "xxxxxxxxxxyz");
  assert.ok(bytes.buffer.byteLength < 1024);
  buffer.append(block.subarray(0, 128 * 1024));
  buffer.compact();
  assert.equal(buffer.takeAll().buffer, block.buffer);
});

test("many small chunks and one large read cost as much per byte as few large ones", () => {
  const buffer = new ByteBuffer();
  const chunk = Buffer.alloc(1024, "x");
  for (let i = 0; i < 64 * 1024; i++) buffer.append(chunk);
  assert.equal(buffer.take(64 * 1024 * 1024).length, 64 * 1024 * 1024);
  assert.equal(buffer.length, 0);
});
