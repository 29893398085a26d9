import assert from "node:assert/strict";
import {
  CancelledError,
  createTask,
  PIPE,
  sleep,
  subprocess,
  TimeoutError,
  ValueError,
} from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { children, inEachWorld, openFiles, STUBBORN, until } from "./support.ts";

const { CalledProcessError, CompletedProcess, run, TimeoutExpired } = subprocess;

inEachWorld("a program is run to its end, and its output given", function* ({ on }) {
  const options = { input: "äö", captureOutput: true } as const;
  const done = yield* on(run("sh", "-c", "cat; echo error >&2; exit 3", options));
  assert.ok(done instanceof CompletedProcess);
  assert.deepEqual(done.args, ["sh", "-c", "cat; echo error >&2; exit 3"]);
  assert.deepEqual([done.returncode, String(done.stdout), String(done.stderr)], [3, "äö", "error\n"]);
  assert.throws(() => done.checkReturncode(), CalledProcessError);
  const quiet = yield* on(run("true"));
  assert.deepEqual([quiet.returncode, quiet.stdout, quiet.stderr], [0, null, null]);
  quiet.checkReturncode();
});

inEachWorld("with check, a failure is an error that tells everything", function* ({ on }) {
  const failing = run("sh", "-c", "echo out; exit 4", { check: true, stdout: PIPE });
  const error = yield* rejects(on(failing), CalledProcessError);
  assert.equal(error.message, "Command '['sh', '-c', 'echo out; exit 4']' returned non-zero exit status 4.");
  assert.deepEqual([error.returncode, String(error.output), error.stderr], [4, "out\n", null]);
  const killed = yield* rejects(on(run("sh", "-c", "kill -9 $$", { check: true })), CalledProcessError);
  assert.match(killed.message, /^Command '\[.*\]' died with <Signals.SIGKILL: 9>\.$/);
});

inEachWorld("a program that takes too long is ended, and what it wrote is told", function* ({ on, loop }) {
  const started = loop.time();
  const late = run("sh", "-c", STUBBORN, { timeout: 0.3, grace: 0.1, captureOutput: true });
  const error = yield* rejects(on(late), TimeoutExpired);
  assert.ok(error instanceof TimeoutError);
  assert.ok(loop.time() - started >= 0.4);
  assert.match(error.message, /^Command '\['sh', .*\]' timed out after 0\.3 seconds$/);
  assert.deepEqual([error.timeout, String(error.output), String(error.stderr)], [0.3, "ready\n", ""]);
  assert.deepEqual(children(), []);
  assert.equal((yield* on(run("true", { timeout: 60 }))).returncode, 0);
});

inEachWorld("a run that is cancelled goes on being cancelled when the program has ended", function* ({ on }) {
  const running = createTask(run("sleep", "3600"));
  yield* until(on, () => children().length > 0);
  running.cancel();
  yield* rejects(on(running), CancelledError);
  assert.deepEqual(children(), []);
});

inEachWorld("a run that is cancelled gives up pipes that are full, or that others hold", function* ({ on }) {
  const before = openFiles();
  for (const command of ["yes", "sleep 3600 & echo $!; wait"]) {
    const running = createTask(run("sh", "-c", command, { captureOutput: true, startNewSession: true }));
    yield* until(on, () => children().length > 0);
    yield* on(sleep(0.05));
    running.cancel();
    yield* rejects(on(running), CancelledError);
  }
  yield* until(on, () => openFiles() <= before);
});

inEachWorld("a second cancellation kills at once", function* ({ on }) {
  const running = createTask(run("sh", "-c", STUBBORN, { captureOutput: true, grace: 3600 }));
  yield* until(on, () => children().length > 0);
  yield* on(sleep(0.1));
  running.cancel();
  yield* on(sleep(0.05));
  assert.ok(!running.done());
  running.cancel();
  yield* rejects(on(running), CancelledError);
  assert.deepEqual(children(), []);
});

inEachWorld("arguments that make no sense are refused at the call", function* () {
  assert.throws(() => run("cat", { input: 5 as unknown as string }), TypeError);
  assert.throws(() => run("cat", { input: "x", stdin: PIPE }), ValueError);
  assert.throws(() => run("cat", { captureOutput: true, stdout: PIPE }), ValueError);
  assert.throws(() => run("cat", { timeout: -1 }), ValueError);
  assert.throws(() => run("cat", { grace: "1" as unknown as number }), TypeError);
  assert.throws(() => run("cat", { check: 1 as unknown as boolean }), TypeError);
  assert.throws(() => run("cat", 5 as unknown as string), TypeError);
});

inEachWorld("a completed process shows what it was", function* () {
  const done = new CompletedProcess(["ls", "-l"], 0, Buffer.from("x\n"));
  assert.equal(String(done), "<CompletedProcess args=['ls', '-l'] returncode=0 stdout='x\\n'>");
  assert.match(new CalledProcessError(-40, ["x"]).message, /died with unknown signal 40\.$/);
});
