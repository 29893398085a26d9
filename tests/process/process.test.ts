import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  CancelledError,
  createSubprocessExec,
  createSubprocessShell,
  createTask,
  DEVNULL,
  ensureFuture,
  OSError,
  PIPE,
  ProcessLookupError,
  RuntimeError,
  sleep,
  TimeoutError,
  ValueError,
  waitFor,
} from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { inEachWorld, isAlive, line, STUBBORN, until } from "./support.ts";

/** Whoever is left, if a test fails, must not hold open what the test runner reads. */
const GROUP = { stdin: DEVNULL, stdout: PIPE, stderr: DEVNULL, startNewSession: true } as const;

inEachWorld("a process tells its exit status when it has exited, and null before", function* ({ on }) {
  const process = yield* on(createSubprocessExec("sh", "-c", "read x; exit 7", { stdin: PIPE }));
  assert.equal(process.returncode, null);
  assert.deepEqual([process.stdout, process.stderr], [null, null]);
  process.stdin!.write("go on\n");
  assert.equal(yield* on(process.wait()), 7);
  assert.equal(process.returncode, 7);
  assert.equal(yield* on(process.wait()), 7);
  assert.equal(String(process), `<Process ${process.pid}>`);
});

for (const [signal, returncode] of [
  ["SIGTERM", -15],
  ["SIGKILL", -9],
  ["SIGUSR1", -10],
  [1, -1],
] as const) {
  inEachWorld(`a process that ${signal} ends has the return code ${returncode}`, function* ({ on }) {
    const process = yield* on(createSubprocessExec("sleep", "3600"));
    process.sendSignal(signal);
    assert.equal(yield* on(process.wait()), returncode);
  });
}

inEachWorld("terminate sends SIGTERM, and kill SIGKILL", function* ({ on }) {
  const shell = yield* on(createSubprocessExec("sh", "-c", STUBBORN, { stdout: PIPE }));
  assert.equal(yield* line(on, shell), "ready");
  shell.terminate();
  yield* on(sleep(0.02));
  assert.equal(shell.returncode, null);
  shell.kill();
  assert.equal(yield* on(shell.wait()), -9);
  const other = yield* on(createSubprocessExec("sleep", "3600"));
  other.terminate();
  assert.equal(yield* on(other.wait()), -15);
});

inEachWorld("wait does not wait for those who hold the output open", function* ({ on }) {
  const process = yield* on(createSubprocessShell("sleep 3600 & echo $!", { stdout: PIPE }));
  assert.equal(yield* on(process.wait()), 0);
  const grandchild = Number(yield* line(on, process));
  assert.ok(isAlive(grandchild));
  // The transport has not finished, but the process has exited: its number may be another one's.
  process.kill();
  globalThis.process.kill(grandchild, "SIGKILL");
  assert.equal(String(yield* on(process.stdout!.read())), "");
});

inEachWorld("a signal after the end is a ProcessLookupError", function* ({ on, loop }) {
  const process = yield* on(createSubprocessExec("true"));
  yield* on(process.wait());
  yield* until(on, () => {
    try {
      process.sendSignal(0);
      return false;
    } catch (error) {
      return error instanceof ProcessLookupError;
    }
  });
  assert.throws(() => process.kill(), ProcessLookupError);
  assert.throws(() => process.terminate(), ProcessLookupError);
  assert.ok(loop.isRunning());
});

inEachWorld("what is no signal is refused, and the process runs on", function* ({ on }) {
  const process = yield* on(createSubprocessExec("sleep", "3600", { startNewSession: true }));
  for (const send of [process.sendSignal.bind(process), process.killTree.bind(process)]) {
    for (const name of ["SIGNONE", "TERM", ""]) assert.throws(() => send(name as "SIGINT"), ValueError);
    for (const number of [-1, 65, 1000, 2 ** 31, 2 ** 32 + 9, 2 ** 70]) {
      assert.throws(() => send(number), isEinval, String(number));
    }
    for (const value of [1.5, NaN, Infinity, null, true, 9n, [], {}]) {
      assert.throws(() => send(value as number), TypeError, String(value));
    }
    send(0);
  }
  assert.throws(() => process.sendSignal(undefined as unknown as number), TypeError);
  assert.equal(process.returncode, null);
  process.kill();
  assert.equal(yield* on(process.wait()), -9);
});

function isEinval(error: unknown): boolean {
  return error instanceof OSError && error.code === "EINVAL" && error.errno === 22;
}

inEachWorld("real-time signals are sent, though Node does not tell what they did", function* ({ on }) {
  for (const signal of [32, 33, 34, 64]) {
    const process = yield* on(createSubprocessExec("sleep", "3600"));
    process.sendSignal(signal);
    assert.equal(yield* on(process.wait()), 0);
  }
});

inEachWorld("a wait that is cancelled leaves the process running", function* ({ on }) {
  const process = yield* on(createSubprocessExec("cat", { stdin: PIPE, stdout: PIPE }));
  const waiting = createTask(process.wait());
  yield* on(sleep(0));
  waiting.cancel();
  yield* rejects(on(waiting), CancelledError);
  const others = [createTask(process.wait()), createTask(process.wait())];
  process.stdin!.write("still here\n");
  assert.equal(yield* line(on, process), "still here");
  process.stdin!.close();
  for (const other of others) assert.equal(yield* on(other), 0);
});

inEachWorld("killTree ends a process with all that it has started", function* ({ on }) {
  const shell = yield* on(createSubprocessShell("sleep 3600 & echo $!; wait", GROUP));
  const grandchild = Number(yield* line(on, shell));
  assert.ok(isAlive(grandchild));
  shell.killTree();
  assert.equal(yield* on(shell.wait()), -9);
  yield* until(on, () => !isAlive(grandchild));
});

inEachWorld("killTree ends what a process has left behind, and then nobody", function* ({ on }) {
  const shell = yield* on(createSubprocessShell("sleep 3600 & echo $!", GROUP));
  yield* on(shell.wait());
  const grandchild = Number(yield* line(on, shell));
  shell.killTree("SIGTERM");
  yield* until(on, () => !isAlive(grandchild));
  shell.killTree();
});

inEachWorld("killTree refuses where the group is this process's own", function* ({ on }) {
  const process = yield* on(createSubprocessExec("sleep", "3600"));
  assert.throws(() => process.killTree(), RuntimeError);
  assert.throws(() => process.killTree("SIGNONE" as "SIGINT"), ValueError);
  assert.equal(process.returncode, null);
  process.kill();
  yield* on(process.wait());
});

inEachWorld("stop asks a process to end, and that is enough if it does", function* ({ on }) {
  const process = yield* on(createSubprocessExec("sleep", "3600"));
  assert.equal(yield* on(process.stop()), -15);
  assert.equal(yield* on(process.stop()), -15);
});

inEachWorld("a process that is stopped and continued is none the worse", function* ({ on }) {
  const process = yield* on(createSubprocessExec("cat", { stdin: PIPE, stdout: PIPE }));
  process.sendSignal("SIGSTOP");
  yield* until(on, () => /^State:\s+T/m.test(readFileSync(`/proc/${process.pid}/status`, "utf8")));
  assert.equal(process.returncode, null);
  process.sendSignal("SIGCONT");
  assert.equal(String((yield* on(process.communicate("x")))[0]), "x");
  assert.equal(process.returncode, 0);
});

inEachWorld("stop kills who ignores SIGTERM, after the grace", function* ({ on, loop }) {
  const shell = yield* on(createSubprocessExec("sh", "-c", STUBBORN, { stdout: PIPE }));
  yield* line(on, shell);
  const started = loop.time();
  assert.equal(yield* on(shell.stop({ grace: 0.1 })), -9);
  assert.ok(loop.time() - started >= 0.1);
  assert.throws(() => shell.stop({ grace: -1 }), ValueError);
  assert.throws(() => shell.stop({ grace: "1" as unknown as number }), TypeError);
});

inEachWorld("stop ends the whole group of a process that has its own", function* ({ on }) {
  const command = `sh -c "${STUBBORN.replace("echo ready", "echo $$")}" & wait`;
  const shell = yield* on(createSubprocessShell(command, GROUP));
  const grandchild = Number(yield* line(on, shell));
  assert.equal(yield* on(shell.stop()), -15);
  yield* until(on, () => !isAlive(grandchild));
});

inEachWorld("stop asks everybody of the group to end, and lets them", function* ({ on }) {
  const inner = "trap 'echo asked; exit' TERM; echo ready; while :; do sleep 0.01; done";
  const command = `trap 'wait; exit 3' TERM; sh -c "${inner}" & wait`;
  const shell = yield* on(createSubprocessShell(command, GROUP));
  assert.equal(yield* line(on, shell), "ready");
  assert.equal(yield* on(shell.stop({ grace: 30 })), 3);
  assert.equal(yield* line(on, shell), "asked");
});

inEachWorld("at the end of a block, all of a process's group is killed", function* ({ on }) {
  const shell = yield* on(createSubprocessShell("sleep 3600 & echo $!; wait", GROUP));
  const grandchild = Number(yield* line(on, shell));
  yield* on(ensureFuture(shell[Symbol.asyncDispose]()));
  yield* until(on, () => !isAlive(grandchild));
});

inEachWorld("at the end of a block, a process is killed and gone", function* ({ on }) {
  const options = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;
  const process = yield* on(createSubprocessExec("sleep", "3600", options));
  const { pid } = process;
  process.stdin!.write(Buffer.alloc(1024 * 1024));
  const block = async () => {
    await using _process = process;
  };
  yield* on(createTask(block));
  assert.equal(process.returncode, -9);
  assert.ok(!isAlive(pid));
  yield* on(ensureFuture(process[Symbol.asyncDispose]()));
});

inEachWorld("streams work as those of a connection", function* ({ on }) {
  const process = yield* on(createSubprocessExec("cat", { stdin: PIPE, stdout: PIPE, stderr: DEVNULL }));
  const data = Buffer.alloc(1024 * 1024, "0123456789\n");
  const reading = createTask(process.stdout!.readexactly(data.length));
  for (let start = 0; start < data.length; start += 100_000) {
    process.stdin!.write(data.subarray(start, start + 100_000));
    yield* on(process.stdin!.drain());
  }
  assert.ok((yield* on(reading)).equals(data));
  process.stdin!.close();
  yield* on(process.stdin!.waitClosed());
  assert.equal((yield* on(process.stdout!.read())).length, 0);
  assert.equal(yield* on(process.wait()), 0);
});

inEachWorld("a line longer than the limit is refused", function* ({ on }) {
  const process = yield* on(
    createSubprocessExec("printf", "%0100d\\nx\\n", "1", { stdout: PIPE, limit: 50 }),
  );
  yield* rejects(on(process.stdout!.readline()), ValueError);
  assert.equal(yield* line(on, process), "x");
  yield* on(process.wait());
});

inEachWorld("a reader that nobody reads from holds up the process, not the memory", function* ({ on }) {
  const process = yield* on(createSubprocessExec("yes", { stdout: PIPE }));
  yield* until(on, () => /paused/.test(String(process.stdout)));
  yield* rejects(on(waitFor(process.wait(), 0.05)), TimeoutError);
  process.kill();
  assert.equal(yield* on(process.wait()), -9);
  yield* on(process.stdout!.read());
});
