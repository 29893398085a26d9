import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { MAIN, PRELUDE, runProgram } from "./processes.ts";

test("uncaught, SystemExit of SIGTERM ends the process with 143, and without a word", async () => {
  const program = `${PRELUDE} await run(${MAIN("")}, { signals: true });`;
  const { stderr, code } = await runProgram(program, { running: "SIGTERM" });
  assert.equal(stderr, "");
  assert.equal(code, 143);
});

test("uncaught, KeyboardInterrupt is shown, and ends the process with 130", async () => {
  const { stderr, code } = await runProgram(`${PRELUDE} await run(${MAIN("")});`, { running: "SIGINT" });
  assert.match(stderr, /^KeyboardInterrupt/m);
  assert.equal(code, 130);
});

test("a program that handles uncaught errors gets those of signals too, and ends as it likes", async () => {
  const program = `${PRELUDE}
    process.on("uncaughtException", (error) => show(error));
    await run(${MAIN("")}, { signals: true });
  `;
  const { lines, code } = await runProgram(program, { running: "SIGTERM" });
  assert.deepEqual(lines, ["running", "exit 143"]);
  assert.notEqual(code, 143);
});

test("all stuck tasks are printed before the process exits, however slowly somebody reads", async () => {
  const program = `${PRELUDE}
    const stubborn = async () => { await sleep(3600).finally(forever); };
    await run(async () => {
      for (let i = 0; i < 3000; i++) createTask(stubborn, { name: "task " + i });
      await sleep(0);
      console.log("running");
      await sleep(3600);
    }, { grace: 0.05 });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  await once(child.stdout, "data");
  child.kill("SIGINT");
  await new Promise((go) => setTimeout(go, 300));
  const stderr = (await child.stderr.setEncoding("utf8").toArray()).join("");
  assert.equal(stderr.match(/^Stack for <Task /gm)?.length, 3000);
  if (child.exitCode === null) await once(child, "exit");
  assert.equal(child.exitCode, 130);
});

test("uncaught, a SystemExit of the program itself ends it with its code, too", async () => {
  const program = `${PRELUDE} await run(async () => { throw new SystemExit(7); });`;
  const { stderr, code } = await runProgram(program, {});
  assert.equal(stderr, "");
  assert.equal(code, 7);
});
