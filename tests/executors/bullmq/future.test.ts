import assert from "node:assert/strict";
import { test } from "node:test";
import { BullmqFuture } from "../../../src/executors/bullmq/index.ts";
import { CancelledError, LookupError } from "../../../src/index.ts";
import { failure } from "../../io/backends.ts";
import { Bench, job, program } from "./bench.ts";
import { outputOf, redisSkip } from "./redis.ts";

test("submitted() is done when Redis has told of the job, however early or late one asks", async () => {
  const future = new BullmqFuture("id", () => {});
  const early = future.submitted();
  assert.equal(early.done(), false);
  future.follow({ kind: "queued" });
  assert.equal(early.done(), true);
  assert.equal(future.done(), false);
  future.follow({ kind: "error", error: new RangeError("the job's own") });
  await Promise.all([early, future.submitted()]);
});

test("submitted() gets what keeps the job from Redis", async () => {
  const failed = new BullmqFuture("id", () => {});
  const early = failed.submitted();
  failed.fail(new LookupError("no job"));
  await failure(early, LookupError);
  await failure(failed.submitted(), LookupError);
  const cancelled = new BullmqFuture("id", () => {});
  const waiting = cancelled.submitted();
  cancelled.cancel();
  await failure(waiting, CancelledError);
  await failure(cancelled.submitted(), CancelledError);
});

test("cancelling a wait for submitted() leaves the job and other waits alone", async () => {
  const future = new BullmqFuture("id", () => {});
  const other = future.submitted();
  assert.equal(future.submitted().cancel(), true);
  assert.equal(future.done(), false);
  future.follow({ kind: "queued" });
  await other;
});

test("a wait that ends may end another one", async () => {
  const future = new BullmqFuture("id", () => {});
  const first = future.submitted();
  const second = future.submitted();
  first.addDoneCallback(() => second.cancel());
  future.follow({ kind: "queued" });
  assert.equal(second.cancelled(), true);
  await first;
});

test("that nobody looks at why a job was not submitted is no unhandled rejection", () => {
  let unhandled = 0;
  const count = () => unhandled++;
  process.on("unhandledRejection", count);
  const future = new BullmqFuture("id", () => {});
  future.submitted();
  future.fail(new LookupError("no job"));
  future.submitted();
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    process.off("unhandledRejection", count);
    assert.equal(unhandled, 0);
  });
});

test("what is submitted can be picked up by a process that is told its id then", {
  skip: redisSkip,
  timeout: 60_000,
}, async () => {
  await using bench = await Bench.start();
  await bench.worker();
  await using queue = bench.executor();
  const other = program(
    bench.server.url,
    `
    process.on("message", async (id) => {
      console.log(await new BullmqExecutor("asyncio", { redis: url }).pickUp(id));
      process.disconnect();
    });
    console.log("ready");
    `,
  );
  await outputOf(other, /ready/);
  const future = queue.submit(job("add"), 1, 2);
  await future.submitted();
  assert.notEqual(await bench.field("asyncio", future.id, "name"), null);
  other.send(future.id);
  assert.match(await outputOf(other, /\n/), /^3\n$/);
});
