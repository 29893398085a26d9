/** Here, and only here, tests take real time: a grace is about the process. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Runner, run, sleep, ValueError } from "../../src/index.ts";
import { MAIN, PRELUDE, PROGRAM, runProgram } from "./processes.ts";

const STUCK = /^the clean-up after SIGTERM took too long, exiting with 143; tasks that are stuck: /;

for (const [where, cleanUp, place] of [
  ["sleeps", "await sleep(3600);", /^ {2}at async .*eval.*:\d+:\d+\)$/],
  ["waits for a foreign promise", "await forever();", /^ {2}at \S+ \(<unknown>\)$/],
] as const) {
  test(`when the main task ${where} longer than the grace, the process says where it stands, and exits`, async () => {
    const program = PROGRAM(cleanUp, "{ signals: true, grace: 0.05 }");
    const { lines, stderr, code } = await runProgram(program, { running: "SIGTERM" });
    assert.deepEqual(lines, ["running"]);
    const [headline, task, ...stack] = stderr.trim().split("\n");
    assert.match(headline!, STUCK);
    assert.match(task!, /^Stack for <Task cancelling name="Task-1" /);
    assert.match(stack[0]!, place);
    assert.equal(code, 143);
  });
}

test("the grace limits the clean-up of the tasks that main left too", async () => {
  const program = PROGRAM("", "{ signals: true, grace: 0.05 }").replace(
    'console.log("running");',
    `const stubborn = async () => { await sleep(3600).finally(() => sleep(3600)); };
     createTask(stubborn, { name: "one" });
     createTask(stubborn, { name: "two" });
     console.log("running");`,
  );
  const { stderr, code } = await runProgram(program, { running: "SIGTERM" });
  assert.match(stderr, STUCK);
  assert.deepEqual(stderr.match(/^Stack for <Task .* name="(one|two)"/gm)?.length, 2);
  assert.equal(code, 143);
});

test("the grace limits the clean-up of async generators too", async () => {
  const program = PROGRAM("", "{ signals: true, grace: 0.05 }").replace(
    'console.log("running");',
    `globalThis.numbers = asyncGenerator(async function* () {
       try { yield 1; } finally { console.log("closing"); await forever(); }
     })();
     await numbers.next();
     console.log("running");`,
  );
  const { lines, stderr, code } = await runProgram(program, { running: "SIGTERM" });
  assert.deepEqual(lines, ["running", "closing"]);
  assert.match(stderr, STUCK);
  assert.equal(code, 143);
});

test("a clean-up within the grace is not disturbed, and the process does not wait for the rest of it", async () => {
  const begun = performance.now();
  const program = PROGRAM('await sleep(0.01); console.log("cleaned up");', "{ signals: true, grace: 30 }");
  const { lines, stderr, code } = await runProgram(program, { running: "SIGTERM" });
  assert.deepEqual(lines, ["running", "cleaned up", "exit 143"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.ok(performance.now() - begun < 20_000);
});

for (const [ending, outcome] of [
  ["", "closed"],
  ['throw new TypeError("mine");', "TypeError"],
] as const) {
  test(`a run that a signal did not end after all leaves no grace behind, and ends with ${outcome}`, async () => {
    const program = `${PRELUDE}
      await run(async () => {
        createTask(() => sleep(3600).finally(() => sleep(0.7)));
        await sleep(0);
        console.log("running");
        await sleep(3600).catch(() => {});
        ${ending}
      }, { signals: true, grace: 0.5 }).catch(show);
      console.log("closed");
    `;
    const { lines, stderr } = await runProgram(program, { running: "SIGTERM" });
    assert.deepEqual(lines, [...new Set(["running", outcome, "closed"])]);
    assert.equal(stderr, "");
  });
}

test("a runner used again after an interruption has its grace anew, and it does not pass in between", async () => {
  const program = `${PRELUDE}
    const runner = new Runner({ grace: 1 });
    const main = ${MAIN("await sleep(0.6);")};
    await runner.run(main).catch(show);
    await new Promise((go) => setTimeout(go, 1100));
    await runner.run(main).catch(show);
    await runner.run(() => sleep(0.6));
    await runner.close();
    console.log("closed");
  `;
  const { lines, stderr } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "KeyboardInterrupt", "running", "KeyboardInterrupt", "closed"]);
  assert.equal(stderr, "");
});

test("what main has used of the grace is missing when the runner is closed", async () => {
  const program = PROGRAM("await sleep(0.3);", "{ grace: 0.5 }").replace(
    'console.log("running");',
    'createTask(() => sleep(3600).finally(() => sleep(0.4))); await sleep(0); console.log("running");',
  );
  const { stderr, code } = await runProgram(program, { running: "SIGINT" });
  assert.match(stderr, /^the clean-up after SIGINT took too long, exiting with 130/);
  assert.equal(code, 130);
});

test("a grace is a positive number", async () => {
  for (const grace of [0, -1, Number.NaN]) assert.throws(() => new Runner({ grace }), ValueError);
  for (const grace of ["1", null, true]) {
    assert.throws(() => new Runner({ grace: grace as never }), TypeError);
  }
  await assert.rejects(
    run(async () => {}, { grace: 0 }),
    ValueError,
  );
  for (const grace of [1e-3, 1e9, Number.POSITIVE_INFINITY]) {
    assert.equal(await run(sleep(0, "ran"), { grace }), "ran");
  }
});
