import assert from "node:assert/strict";
import { test } from "node:test";
import { getRunningLoop, RuntimeError, sleep } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

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
