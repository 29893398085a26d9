import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { transferList } from "../../src/executors/transfer.ts";
import { ProcessPoolExecutor, ThreadPoolExecutor, transfer } from "../../src/index.ts";
import { job } from "./pools.ts";

test("arguments and results are copied, or moved where that was asked for", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const copied = new Uint8Array([1, 2, 3]);
  const back = await pool.submit(job("firstByteAndBack"), copied);
  assert.deepEqual([...back], [7, 2, 3]);
  assert.equal(copied.length, 3);
  const moved = new Uint8Array([1, 2, 3]);
  assert.deepEqual([...(await pool.submit(job("firstByteAndBack"), transfer(moved)))], [7, 2, 3]);
  assert.equal(moved.length, 0);
  assert.equal(await pool.submit(job("lengthOfLast")), 0);
});

test("a port can be moved to a thread", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const { port1, port2 } = new MessageChannel();
  const send = (options: { port: MessagePort }) => options.port.postMessage("hello");
  const heard = new Promise((resolve) => port1.once("message", resolve));
  await pool.submit(send as never, transfer({ port: port2 }, [port2]) as never);
  assert.equal(await heard, "hello");
  port1.close();
});

test("to a process everything is copied", async () => {
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  const bytes = new Uint8Array([1, 2, 3]);
  assert.deepEqual([...(await pool.submit(job("firstByteAndBack"), transfer(bytes)))], [7, 2, 3]);
  assert.equal(bytes.length, 3);
});

test("a mark is for one time", () => {
  const bytes = new Uint8Array(1);
  assert.deepEqual(transferList([transfer(bytes), transfer(bytes)]), [bytes.buffer]);
  assert.deepEqual(transferList([bytes]), []);
});

test("what cannot be moved is refused", () => {
  assert.throws(() => transfer("text" as never), TypeError);
  assert.throws(() => transfer({}), { name: "ValueError", message: /name what is/ });
  assert.throws(() => transfer([new ArrayBuffer(1)]), { name: "ValueError" });
  assert.throws(() => transfer(new SharedArrayBuffer(1)), { name: "ValueError" });
});
