import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline } from "../../src/executors/deadline.ts";
import { ConcurrentFuture } from "../../src/index.ts";

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

test("a deadline is reached in its time, at once if that is over", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const reached: string[] = [];
  new Deadline(5).reach(new ConcurrentFuture(), () => reached.push("5 s"));
  new Deadline(-5).reach(new ConcurrentFuture(), () => reached.push("-5 s"));
  t.mock.timers.tick(1);
  assert.deepEqual(reached, ["-5 s"]);
  t.mock.timers.tick(4000);
  assert.deepEqual(reached, ["-5 s"]);
  t.mock.timers.tick(1000);
  assert.deepEqual(reached, ["-5 s", "5 s"]);
});

test("when the future is done, no timer is left", () => {
  const before = timers();
  const future = new ConcurrentFuture<void>();
  new Deadline(1000).reach(future, () => assert.fail());
  assert.equal(timers(), before + 1);
  future.setResult();
  assert.equal(timers(), before);
});

test("one beyond the reach of Node's timers is never reached, and not at once", () => {
  const before = timers();
  for (const seconds of [null, Number.POSITIVE_INFINITY, 1e9]) {
    new Deadline(seconds).reach(new ConcurrentFuture(), () => assert.fail());
  }
  assert.equal(timers(), before);
});
