import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertJobData,
  decodeValue,
  encodeValue,
  isInline,
  jobData,
  moduleName,
} from "../../../src/executors/bullmq/payload.ts";
import { ValueError } from "../../../src/index.ts";

test("a module is known by its file's name, and a package by its own", () => {
  assert.equal(moduleName("file:///home/ann/src/resize.ts"), "resize");
  assert.equal(moduleName("file:///C:/app/dist/resize.mjs"), "resize");
  assert.equal(moduleName("file:///a/two%20words.test.cts"), "two words.test");
  assert.equal(moduleName("node:zlib"), "node:zlib");
  assert.equal(moduleName("@scope/package/sub.js"), "@scope/package/sub.js");
});

test("what is encoded comes back, and a view with no more bytes than it shows", () => {
  const value = [new Map([[1n, undefined]]), new Date(1), new Uint16Array([1, 2, 3]).subarray(1)];
  const decoded = decodeValue(encodeValue(value, "it")) as typeof value;
  assert.deepEqual(decoded, value);
  assert.equal((decoded[2] as Uint16Array).buffer.byteLength, 4);
  const view = decodeValue(encodeValue(new DataView(new ArrayBuffer(9), 2, 3), "it")) as DataView;
  assert.equal(view.buffer.byteLength, 3);
});

test("the error says what cannot be sent", () => {
  assert.throws(() => encodeValue(Symbol("x"), "the thing"), {
    name: "TypeError",
    message: /the thing cannot be sent/,
  });
  const tooLarge = new Uint8Array(32 * 1024 * 1024);
  assert.throws(() => encodeValue(tooLarge, "the thing"), ValueError);
});

test("only short results go with the event", () => {
  assert.equal(isInline("x".repeat(4096)), true);
  assert.equal(isInline("x".repeat(4097)), false);
});

test("what other programs put into the queue is told apart", () => {
  const data = jobData({ kind: "export", module: "file:///a/b.ts", name: "f" }, [1], false, null);
  assert.deepEqual(data.work, { kind: "export", module: "b", name: "f" });
  assert.doesNotThrow(() => assertJobData(data));
  for (const other of [null, 5, {}, { version: 2 }]) assert.throws(() => assertJobData(other), ValueError);
});
