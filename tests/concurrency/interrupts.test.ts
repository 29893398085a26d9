import assert from "node:assert/strict";
import { test } from "node:test";
import { Runner, run, sleep, ValueError } from "../../src/index.ts";
import { MAIN, PRELUDE, PROGRAM, runProgram } from "./processes.ts";

test("the first Ctrl-C cancels the main task, which cleans up, and run ends with KeyboardInterrupt", async () => {
  const program = PROGRAM('await sleep(0.01); console.log("cleaned up");');
  const { lines, code } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "cleaned up", "KeyboardInterrupt"]);
  assert.equal(code, 0);
});

test("a second Ctrl-C ends the process with 130", async () => {
  const program = PROGRAM('console.log("cleaning up"); await sleep(3600);');
  const { lines, code } = await runProgram(program, { running: "SIGINT", "cleaning up": "SIGINT" });
  assert.deepEqual(lines, ["running", "cleaning up"]);
  assert.equal(code, 130);
});

test("a main that catches the cancellation of Ctrl-C and returns is not interrupted", async () => {
  const program = PROGRAM("").replace("sleep(3600)", 'sleep(3600).catch(() => console.log("caught"))');
  const { lines, code } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "caught"]);
  assert.equal(code, 0);
});

test("a program that handles SIGINT itself is left alone, and the other signals are ours", async () => {
  const mine = 'process.on("SIGINT", () => { console.log("mine"); process.kill(process.pid, "SIGTERM"); });';
  const program = `${mine}${PROGRAM("", "{ signals: true }")}`;
  const { lines } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "mine", "exit 143"]);
});

test("SIGTERM ends the process as usual, unless it is among the signals", async () => {
  const program = PROGRAM('console.log("cleaned up");');
  const { lines, killedBy } = await runProgram(program, { running: "SIGTERM" });
  assert.deepEqual(lines, ["running"]);
  assert.equal(killedBy, "SIGTERM");
});

for (const [signals, signal, outcome] of [
  ["true", "SIGTERM", "exit 143"],
  ["true", "SIGINT", "KeyboardInterrupt"],
  ['["SIGHUP", "SIGUSR2"]', "SIGUSR2", "exit 140"],
] as const) {
  test(`with signals: ${signals}, ${signal} cancels the main task, and comes out as ${outcome}`, async () => {
    const program = PROGRAM('console.log("cleaned up");', `{ signals: ${signals} }`);
    const { lines } = await runProgram(program, { running: signal });
    assert.deepEqual(lines, ["running", "cleaned up", outcome]);
  });
}

for (const signals of ["false", "[]"]) {
  test(`with signals: ${signals}, Ctrl-C ends the process as usual`, async () => {
    const program = PROGRAM('console.log("cleaned up");', `{ signals: ${signals} }`);
    const { lines, killedBy } = await runProgram(program, { running: "SIGINT" });
    assert.deepEqual(lines, ["running"]);
    assert.equal(killedBy, "SIGINT");
  });
}

test("a second signal exits with its own number, also if it is another one", async () => {
  const program = PROGRAM('console.log("cleaning up"); await sleep(3600);', "{ signals: true }");
  const { code } = await runProgram(program, { running: "SIGINT", "cleaning up": "SIGTERM" });
  assert.equal(code, 143);
});

test("a second signal exits too while the runner is closed", async () => {
  const program = PROGRAM("", "{ signals: true }").replace(
    'console.log("running");',
    `createTask(async () => {
       try { await sleep(3600); } finally { console.log("cleaning up"); await sleep(3600); }
     });
     await sleep(0);
     console.log("running");`,
  );
  const { lines, code } = await runProgram(program, { running: "SIGINT", "cleaning up": "SIGINT" });
  assert.deepEqual(lines, ["running", "cleaning up"]);
  assert.equal(code, 130);
});

test("nobody listens to signals between the runs of a runner, and after it is closed", async () => {
  const program = `${PRELUDE}
    const count = () => console.log("listeners", process.listenerCount("SIGINT"));
    const runner = new Runner();
    await runner.run(${MAIN("count();")}).catch(show);
    count();
    await runner.close();
    count();
  `;
  const { lines } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "listeners 1", "KeyboardInterrupt", "listeners 0", "listeners 0"]);
});

test("signals must be there, and be catchable", async () => {
  for (const name of ["SIGNOTHING", "sigint", "SIGKILL", "SIGSTOP", "toString"]) {
    assert.throws(() => new Runner({ signals: ["SIGINT", name as "SIGINT"] }), ValueError);
  }
  for (const signals of ["SIGINT", 2, null, [2], {}]) {
    assert.throws(() => new Runner({ signals: signals as never }), TypeError);
  }
  await assert.rejects(
    run(async () => {}, { signals: ["SIGKILL"] }),
    { name: "ValueError", message: "SIGKILL cannot be caught" },
  );
  assert.equal(await run(sleep(0, "ran"), { signals: ["SIGUSR2", "SIGUSR2"] }), "ran");
});
