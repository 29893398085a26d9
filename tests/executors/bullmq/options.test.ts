import assert from "node:assert/strict";
import { test } from "node:test";
import { BullmqExecutor, type BullmqJobOptions } from "../../../src/executors/bullmq/index.ts";
import { assertJobOptions, jobsOptions } from "../../../src/executors/bullmq/options.ts";
import { ValueError } from "../../../src/index.ts";

test("options that make no sense are refused, with their name", () => {
  const wrong: [object, object][] = [
    [{ retries: 1.5 }, TypeError],
    [{ retries: -1 }, ValueError],
    [{ backoff: "long" }, TypeError],
    [{ backoff: -1 }, ValueError],
    [{ backoff: { type: "linear", delay: 1 } }, ValueError],
    [{ backoff: { type: "fixed", delay: -1 } }, ValueError],
    [{ backoff: { type: "fixed", delay: 1, jitter: 2 } }, ValueError],
    [{ timeout: 0 }, ValueError],
    [{ timeout: "1" }, TypeError],
    [{ priority: 2_097_152 }, ValueError],
    [{ delay: Number.NaN }, ValueError],
    [{ jobId: 5 }, TypeError],
    [{ jobId: "5" }, ValueError],
    [{ jobId: "a:b" }, ValueError],
    [{ jobId: "" }, ValueError],
    [{ keep: 0 }, ValueError],
    [{ signal: {} }, TypeError],
  ];
  for (const [options, Class] of wrong) {
    const [name] = Object.keys(options);
    assert.throws(
      () => assertJobOptions(options),
      (error: Error) => error.constructor === Class && error.message.includes(name!),
      JSON.stringify(options),
    );
  }
});

test("options are handed on in BullMQ's terms", () => {
  const options: BullmqJobOptions = { retries: 2, backoff: 1.5, priority: 3, delay: 0.25, keep: 1.5 };
  assert.deepEqual(jobsOptions("x", options), {
    jobId: "x",
    attempts: 3,
    backoff: { type: "fixed", delay: 1500 },
    priority: 3,
    delay: 250,
    removeOnComplete: { age: 2 },
    removeOnFail: { age: 2 },
  });
  assert.deepEqual(jobsOptions("x", { backoff: { type: "exponential", delay: 1, jitter: 0.5 } }).backoff, {
    type: "exponential",
    delay: 1000,
    jitter: 0.5,
  });
});

test("the executor refuses names and addresses that make no sense, before it connects", () => {
  assert.throws(() => new BullmqExecutor("a:b"), ValueError);
  assert.throws(() => new BullmqExecutor(""), ValueError);
  assert.throws(() => new BullmqExecutor(5 as never), TypeError);
  assert.throws(() => new BullmqExecutor("x", { prefix: ":" }), ValueError);
  assert.throws(() => new BullmqExecutor("x", { redis: 5 as never }), TypeError);
  assert.throws(() => new BullmqExecutor("x", { retries: -1 }), ValueError);
  const secret = () => new BullmqExecutor("x", { redis: "http://user:secret@host" });
  assert.throws(secret, (error: Error) => error instanceof ValueError && !error.message.includes("secret"));
});
