import assert from "node:assert/strict";
import { test } from "node:test";
import { WriteBuffer } from "../../../src/io/native/write-buffer.ts";
import { pattern } from "../recorder.ts";
import { Random } from "../streams-support.ts";
import { collect } from "./support.ts";

/** No system call takes more. */
const MOST_CHUNKS = 1024;

test("chunks come out as they went in, however much of them the kernel takes", () => {
  const random = new Random(4);
  const buffer = new WriteBuffer();
  const pushed: Buffer[] = [];
  const taken: Uint8Array[] = [];
  for (let round = 0; round < 300; round++) {
    for (let count = random.int(0, 40); count > 0; count--) {
      const chunk = pattern(random.int(1, 50), pushed.length);
      pushed.push(chunk);
      buffer.push(chunk);
    }
    taken.push(take(buffer, random.int(0, Math.min(buffer.size, 1500))));
    assert.ok(buffer.head().length <= MOST_CHUNKS);
  }
  while (buffer.size > 0) taken.push(take(buffer, Math.min(buffer.size, 1500)));
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(pushed)));
  assert.deepEqual(buffer.head(), []);
});

test("a chunk that is gone keeps no memory, although those behind it are still there", async () => {
  const buffer = new WriteBuffer();
  const gone = Array.from({ length: 100 }, () => {
    const chunk = new Uint8Array(1000);
    buffer.push(chunk);
    return new WeakRef(chunk);
  });
  buffer.push(new Uint8Array(10));
  buffer.consume(100 * 1000 + 5);
  await collect();
  assert.equal(gone.filter((chunk) => chunk.deref() !== undefined).length, 0);
  assert.equal(buffer.size, 5);
});

/** What one system call would take: `count` bytes of the head, or all of it. */
function take(buffer: WriteBuffer, count: number): Buffer {
  const bytes = Buffer.concat(buffer.head()).subarray(0, count);
  buffer.consume(bytes.length);
  return bytes;
}

test("the oldest bytes come in one piece, as many as are wanted", () => {
  const buffer = new WriteBuffer();
  for (const text of ["ab", "cde", "f"]) buffer.push(Buffer.from(text));
  const front = (most: number) => Buffer.from(buffer.front(most)).toString();
  assert.deepEqual(
    [front(1), front(2), front(4), front(6), front(100)],
    ["a", "ab", "abcd", "abcdef", "abcdef"],
  );
  buffer.consume(3);
  assert.deepEqual([front(1), front(2), front(100)], ["d", "de", "def"]);
});

test("what was lent is copied", () => {
  const buffer = new WriteBuffer();
  const [kept, lent] = [Buffer.from("kept"), Buffer.from("lent")];
  buffer.push(kept);
  buffer.push(lent);
  buffer.copyLast();
  lent.fill("x");
  assert.equal(String(buffer.front(100)), "keptlent");
  assert.equal(buffer.size, 8);
  assert.equal(buffer.head()[0], kept);
});
