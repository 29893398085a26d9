import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { JobRun } from "../../../src/executors/bullmq/job-run.ts";
import { CancelledError, setLogger } from "../../../src/index.ts";

async function untilAborted(signal: AbortSignal): Promise<never> {
  await once(signal, "abort");
  throw signal.reason;
}

test("a run gives what the call gives", async () => {
  assert.equal(await new JobRun("f", 5).perform(async () => 7, null), 7);
  assert.equal(await new JobRun("f", 5).perform(async () => 7, 1e9), 7);
});

test("the first cause of an abort is the one that counts", async () => {
  const run = new JobRun("f", 5);
  const outcome = run.perform(untilAborted, null);
  run.abort("shutdown");
  run.abort("cancelled");
  await assert.rejects(outcome, CancelledError);
  assert.equal(run.cause, "shutdown");
});

test("a run that was aborted before it began does not begin", async () => {
  const run = new JobRun("f", 5);
  run.abort("cancelled");
  await assert.rejects(
    run.perform(() => assert.fail("it began"), null),
    CancelledError,
  );
});

test("when its time is over, a run is aborted", async () => {
  const run = new JobRun("f", 5);
  await assert.rejects(run.perform(untilAborted, 0.001), CancelledError);
  assert.equal(run.cause, "timeout");
});

test("one that does not end is not waited for, which is logged", async (t) => {
  const log: string[] = [];
  setLogger({ debug() {}, info() {}, warn: (message) => log.push(message), error() {} });
  t.after(() => setLogger(null));
  const run = new JobRun("f", 0.001);
  const outcome = run.perform(() => new Promise(() => {}), null);
  run.abort("cancelled");
  await assert.rejects(outcome, CancelledError);
  assert.deepEqual(log, ["f() has not ended 0.001 s after it was asked to (cancelled), and goes on"]);
});
