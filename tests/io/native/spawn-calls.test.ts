import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { spawnCalls } from "../../../src/io/native/spawn-calls.ts";
import { skip } from "./support.ts";

type Koffi = Parameters<typeof spawnCalls>[0];

const koffi = () => createRequire(import.meta.url)("koffi") as Koffi;

test("there are none where libc lacks one of them", { skip }, () => {
  const { load, ...others } = koffi();
  const old = (path: null) => {
    const { func, symbol } = load(path);
    return { symbol, func: (definition: string) => func(definition.replace("chdir_np", "chdir_missing")) };
  };
  assert.equal(spawnCalls({ ...others, load: old }), null);
});

test("they know the environment as it is at that time", { skip }, () => {
  const calls = spawnCalls(koffi())!;
  assert.equal(calls.getenv("ASYNCIO_TEST"), null);
  process.env.ASYNCIO_TEST = "ä";
  assert.equal(calls.getenv("ASYNCIO_TEST"), "ä");
  delete process.env.ASYNCIO_TEST;
  assert.equal(calls.getenv("ASYNCIO_TEST"), null);
});

test("what fails gives the negative error number", { skip }, () => {
  const calls = spawnCalls(koffi())!;
  assert.equal(calls.pidfdOpen(2 ** 30), -3);
  assert.equal(calls.waitpid(process.pid, new Int32Array(1), 1), -10);
});
