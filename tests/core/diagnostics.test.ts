import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import {
  CancelledError,
  createTask,
  type DiagnosticsMessages,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, iterate, newLoop, rejects, runProgram } from "../helpers.ts";
import { CapturedLog } from "./captured-log.ts";
import { Subscription } from "./subscription.ts";

inEachFlavour("making, cancelling and the end of a task are published", function* ({ on, coroutine }) {
  const log: unknown[][] = [];
  using _create = new Subscription("asyncio:task:create", ({ task }) =>
    log.push(["create", task.getName(), task.done()]),
  );
  using _cancel = new Subscription("asyncio:task:cancel", ({ task, message }) =>
    log.push(["cancel", task.getName(), message, task.cancelling()]),
  );
  using _done = new Subscription("asyncio:task:done", ({ task }) =>
    log.push(["done", task.getName(), task.done()]),
  );
  const f = coroutine(function* (outcome: string) {
    log.push(["runs", outcome]);
    yield* on(sleep(1));
    if (outcome === "fails") throw new Error(outcome);
    yield* on(sleep(outcome === "is cancelled" ? 10 : 1));
  });
  const [, fails, cancelled] = ["returns", "fails", "is cancelled"].map((name) =>
    createTask(f(name), { name }),
  );
  yield* rejects(on(fails!), Error, "fails");
  cancelled!.cancel("enough");
  yield* rejects(on(cancelled!), CancelledError, "enough");
  yield* on(sleep(10));
  assert.equal(cancelled!.cancel("too late"), false);
  assert.deepEqual(log, [
    ["create", "returns", false],
    ["create", "fails", false],
    ["create", "is cancelled", false],
    ["runs", "returns"],
    ["runs", "fails"],
    ["runs", "is cancelled"],
    ["done", "fails", true],
    ["cancel", "is cancelled", "enough", 0],
    ["done", "is cancelled", true],
    ["done", "returns", true],
  ]);
});

test("an eager task is published before its first step", async () => {
  using loop = newLoop();
  loop.setTaskFactory(eagerTaskFactory);
  const log: string[] = [];
  using _create = new Subscription("asyncio:task:create", ({ task }) => log.push(`create ${task.getName()}`));
  using _done = new Subscription("asyncio:task:done", ({ task }) => log.push(`done ${task.getName()}`));
  await loop.runUntilComplete(function* () {
    getRunningLoop().createTask(() => log.push("runs"), { name: "eager" });
    yield* sleep(0);
  });
  assert.deepEqual(log.slice(1, 4), ["create eager", "runs", "done eager"]);
});

test("begin and end of a run, and closing, are published", async () => {
  const log: [string, boolean][] = [];
  using _start = new Subscription("asyncio:loop:start", ({ loop }) => log.push(["start", loop.isClosed()]));
  using _stop = new Subscription("asyncio:loop:stop", ({ loop }) => log.push(["stop", loop.isRunning()]));
  using close = new Subscription("asyncio:loop:close", ({ loop }) => log.push(["close", loop.isClosed()]));
  const loop = newLoop();
  await iterate(loop, 1);
  const future = loop.createFuture();
  await assert.rejects(loop.runUntilComplete(future), { name: "Deadlock" });
  loop.close();
  loop.close();
  assert.deepEqual(log, [
    ["start", false],
    ["stop", false],
    ["start", false],
    ["stop", false],
    ["close", true],
  ]);
  assert.equal(close.messages[0]?.loop, loop);
});

test("all that the exception handler is told is published, whatever the handler does", () => {
  using loop = newLoop();
  using log = new CapturedLog();
  using reports = new Subscription("asyncio:exception");
  const context = { message: "It broke" };
  loop.callExceptionHandler(context);
  collectReports(loop);
  loop.callExceptionHandler(context);
  assert.deepEqual(reports.messages, [
    { loop, context },
    { loop, context },
  ]);
  assert.deepEqual(log.of("error"), ["It broke"]);
});

test("slow steps are published, with whose they are", async () => {
  using loop = newLoop();
  using _log = new CapturedLog();
  using slow = new Subscription("asyncio:callback:slow");
  loop.slowCallbackDuration = 0;
  const handle = loop.callSoon(() => loop.stop());
  const task = loop.createTask(() => {});
  await loop.runForever();
  assert.deepEqual(slow.messages, [
    { loop, callback: handle, seconds: 0 },
    { loop, callback: task, seconds: 0 },
  ]);
});

test("nobody pays for messages that nobody subscribed to", () => {
  const names: (keyof DiagnosticsMessages)[] = [
    "asyncio:task:create",
    "asyncio:exception",
    "asyncio:warning",
  ];
  for (const name of names) assert.equal(channel(name).hasSubscribers, false);
  const published: unknown[] = [];
  const prototype = Object.getPrototypeOf(channel("asyncio:task:create"));
  const { publish } = prototype;
  prototype.publish = (message: unknown) => published.push(message);
  try {
    using loop = newLoop();
    loop.createTask(() => {}).cancel();
    collectReports(loop);
    loop.callExceptionHandler({ message: "It broke" });
  } finally {
    prototype.publish = publish;
  }
  assert.deepEqual(published, []);
});

test("a subscriber that throws does not reach the loop: Node makes an uncaught exception of it", () => {
  const { stdout, status } = runProgram(`
    const { subscribe } = await import("node:diagnostics_channel");
    process.on("uncaughtException", (error) => console.log("uncaught:", error.message));
    for (const name of ["task:create", "task:done", "loop:start", "exception"])
      subscribe("asyncio:" + name, () => { throw new Error(name); });
    loop.setExceptionHandler(() => {});
    const result = await loop.runUntilComplete(() => {
      loop.callExceptionHandler({ message: "It broke" });
      return 42;
    });
    await turn();
    console.log(result);
  `);
  assert.deepEqual(stdout.trim().split("\n").sort(), [
    "42",
    "uncaught: exception",
    "uncaught: loop:start",
    "uncaught: task:create",
    "uncaught: task:done",
  ]);
  assert.equal(status, 0);
});
