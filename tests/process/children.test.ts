import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../concurrency/processes.ts";
import { isAlive, skip } from "./support.ts";

const INDEX = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);

/** A program that starts two processes that would run for an hour, one in a session of its own, then does something. */
function program(then: string): string {
  return `
    import { createSubprocessExec, createSubprocessShell, DEVNULL, PIPE, run, sleep } from ${INDEX};
    process.on("warning", (warning) => console.log(warning.name));
    const main = async () => {
      // Whoever is left must not hold the pipe open that the test reads.
      const options = { stdout: PIPE, stderr: DEVNULL };
      const one = await createSubprocessExec("sh", "-c", "trap '' INT; exec sleep 3600", options);
      const two = await createSubprocessShell("sleep 3600 & echo $!; wait", { ...options, startNewSession: true });
      const grandchild = String(await two.stdout.readline()).trim();
      console.log("pids " + [one.pid, two.pid, grandchild].join(" "));
      ${then}
    };
    await run(main).catch((error) => console.log(error.name));
    console.log("end");`;
}

async function leavesNobody(source: string, signals: Record<string, NodeJS.Signals> = {}) {
  const { lines, code } = await runProgram(source, signals);
  const pids = lines
    .find((line) => line.startsWith("pids "))!
    .split(" ")
    .slice(1)
    .map(Number);
  assert.equal(pids.length, 3);
  // Killed by then, but whoever is left of the group may take its time to be gone.
  for (let i = 0; i < 500 && pids.some(isAlive); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const left = pids.filter(isAlive);
  for (const pid of left) process.kill(pid, "SIGKILL");
  assert.deepEqual(left, [], "processes are left");
  return { lines: lines.filter((line) => !line.startsWith("pids ")), code };
}

const options = { skip, concurrency: true };

test("processes that still run when the loop closes are killed, with a warning each", options, async () => {
  const { lines, code } = await leavesNobody(program(""));
  assert.deepEqual(lines.sort(), ["ResourceWarning", "ResourceWarning", "end"]);
  assert.equal(code, 0);
});

test("no process survives process.exit", options, async () => {
  const { lines, code } = await leavesNobody(program("process.exit(3);"));
  assert.deepEqual([lines, code], [[], 3]);
});

test("no process survives an uncaught error", options, async () => {
  const { code } = await leavesNobody(
    program('setImmediate(() => { throw new Error("x"); }); await sleep(60);'),
  );
  assert.equal(code, 1);
});

test("no process survives a Ctrl-C", options, async () => {
  const source = program('console.log("ready"); await sleep(60);');
  const { lines } = await leavesNobody(source, { ready: "SIGINT" });
  assert.ok(lines.includes("KeyboardInterrupt"));
});

test("no process survives a second Ctrl-C", options, async () => {
  const then =
    'console.log("ready"); try { await sleep(60); } finally { console.log("clean-up"); await sleep(60); }';
  const { code } = await leavesNobody(program(then), { ready: "SIGINT", "clean-up": "SIGINT" });
  assert.equal(code, 130);
});
