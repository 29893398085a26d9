import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BaseEventLoop,
  Future,
  getEventLoop,
  getRunningLoop,
  RuntimeError,
  setEventLoop,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop, runProgram } from "../helpers.ts";

const INDEX = new URL("../../src/index.ts", import.meta.url).href;

test("without a loop that runs, getRunningLoop throws RuntimeError", () => {
  assert.throws(getRunningLoop, { name: "RuntimeError", message: "no running event loop" });
  assert.throws(getRunningLoop, RuntimeError);
  using _ = newLoop();
  assert.throws(getRunningLoop, RuntimeError);
});

inEachFlavour("in a task and in a callback, the loop is the one that runs them", function* ({ on }) {
  const loop = getRunningLoop();
  const seen: unknown[] = [];
  loop.callSoon(() => seen.push(getRunningLoop()));
  yield* on(sleep(0));
  assert.deepEqual(seen, [loop]);
  assert.equal(getRunningLoop(), loop);
});

test("as long as a loop runs it is known in plain code too, and no longer", async () => {
  using loop = newLoop();
  const run = loop.runUntilComplete(() => sleep(1));
  assert.equal(getRunningLoop(), loop);
  await run;
  assert.throws(getRunningLoop, RuntimeError);
});

test("after a run that failed no loop is the running one", async () => {
  using loop = newLoop();
  await assert.rejects(loop.runUntilComplete(loop.createFuture()));
  assert.throws(getRunningLoop, RuntimeError);
});

test("the loop that is installed belongs to what is made while none runs", async () => {
  using loop = newLoop();
  using other = newLoop();
  setEventLoop(loop);
  try {
    assert.equal(getEventLoop<BaseEventLoop>(), loop);
    assert.equal(new Future().getLoop(), loop);
    await other.runUntilComplete(async () => {
      assert.equal(getEventLoop<BaseEventLoop>(), other, "the one that runs comes first");
      assert.equal(new Future().getLoop(), other);
    });
  } finally {
    setEventLoop(null);
  }
  assert.throws(() => getEventLoop(), { name: "RuntimeError", message: "There is no current event loop" });
  assert.throws(() => new Future(), RuntimeError);
});

test("only a loop can be installed", () => {
  assert.throws(() => setEventLoop({} as BaseEventLoop), {
    name: "TypeError",
    message: /an event loop was expected/,
  });
  assert.throws(() => setEventLoop(undefined as unknown as null), TypeError);
});

test("without any loop the first getEventLoop of the main thread makes one, that of a worker throws", () => {
  const { stdout } = runProgram(`
    const { Worker } = await import("node:worker_threads");
    const made = index.getEventLoop();
    console.log(made instanceof index.EventLoop, made === index.getEventLoop(), made.isRunning());
    made.close();
    index.setEventLoop(null);
    try { index.getEventLoop() } catch (error) { console.log(error.message) }
    const source = \`
      const { getEventLoop } = await import(\${JSON.stringify(${JSON.stringify(INDEX)})});
      try { getEventLoop() } catch (error) { console.log("worker: " + error.message) }
    \`;
    new Worker(new URL("data:text/javascript," + encodeURIComponent(source)));
  `);
  assert.deepEqual(stdout.trim().split("\n"), [
    "true true false",
    "There is no current event loop",
    "worker: There is no current event loop",
  ]);
});
