import assert from "node:assert/strict";
import { test } from "node:test";
import { Shutdown } from "../../src/executors/shutdown.ts";
import { CapturedLog } from "../core/captured-log.ts";

test("a shutdown that takes long says once what it waits for, and goes on", (t) => {
  using log = new CapturedLog();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const shutdown = new Shutdown(() => "resize(), which has been running for 10.0 s");
  const ended = shutdown.begin({});
  t.mock.timers.tick(9000);
  assert.deepEqual(log.of("warn"), []);
  t.mock.timers.tick(100_000);
  assert.deepEqual(log.of("warn"), [
    "shutdown() still waits for resize(), which has been running for 10.0 s",
  ]);
  assert.equal(ended.done(), false);
  shutdown.complete();
  assert.equal(ended.done(), true);
});

test("one that ends in time says nothing, and neither does one that nobody waits for", (t) => {
  using log = new CapturedLog();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const shutdown = new Shutdown(() => "a job");
  assert.equal(shutdown.begin({ wait: false }).done(), true);
  const ended = shutdown.begin({ timeout: 5 });
  shutdown.complete();
  t.mock.timers.tick(100_000);
  assert.deepEqual(log.of("warn"), []);
  assert.equal(ended.exception(), null);
});

test("each who waits has a time limit of his own, which ends nobody else's wait", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const shutdown = new Shutdown(() => "a job");
  const [patient, impatient] = [
    shutdown.begin({ timeout: Number.POSITIVE_INFINITY }),
    shutdown.begin({ timeout: 2 }),
  ];
  t.mock.timers.tick(2001);
  assert.throws(() => impatient.result(), {
    name: "TimeoutError",
    message: "shutdown() waited 2 s for a job",
  });
  assert.equal(patient.done(), false);
  shutdown.complete();
  assert.equal(patient.exception(), null);
});

test("a wait that is cancelled is no one's concern when all has ended", () => {
  const shutdown = new Shutdown(() => "a job");
  assert.equal(shutdown.begin({}).cancel(), true);
  shutdown.complete();
  assert.equal(shutdown.begin({}).done(), true);
});
