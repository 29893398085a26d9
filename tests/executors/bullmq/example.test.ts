import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { redisSkip } from "./redis.ts";

test("the distributed map runs over two worker processes", {
  skip: redisSkip,
  timeout: 120_000,
}, async () => {
  const example = new URL("../../../examples/distributed-map.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [example]);
  assert.equal(stdout, "78498 primes below a million, found by 2 processes\n");
});
