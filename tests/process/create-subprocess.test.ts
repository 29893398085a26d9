import assert from "node:assert/strict";
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Writable } from "node:stream";
import { test } from "node:test";
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  EventLoop,
  ensureFuture,
  PIPE,
  Process,
  type SpawnOptions,
  STDOUT,
  SubprocessProtocol,
  subprocess,
  ValueError,
} from "../../src/index.ts";
import { runProgram } from "../concurrency/processes.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { collectGarbage } from "../helpers.ts";
import { children, inEachWorld, isAlive, line, skip, until } from "./support.ts";

test("the constants have Python's values, and are in subprocess as well", () => {
  assert.deepEqual([PIPE, STDOUT, DEVNULL], [-1, -2, -3]);
  assert.deepEqual([subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL], [PIPE, STDOUT, DEVNULL]);
  assert.equal(subprocess.Process, Process);
});

test("what is not said to be a pipe is shared with this process", { skip }, async () => {
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const { lines, stderr } = await runProgram(`
    import { createSubprocessExec, getRunningLoop, run, SubprocessProtocol } from ${index};
    await run(async () => {
      const shell = await createSubprocessExec("sh", "-c", "echo shared; echo error >&2; readlink /proc/self/fd/0");
      await shell.communicate();
      const inherited = { stdin: null, stdout: null, stderr: null };
      const factory = () => new (class extends SubprocessProtocol {})();
      const [transport] = await getRunningLoop().subprocessExec(factory, "echo", "also", inherited);
      while (transport.getReturncode() === null) await new Promise(setImmediate);
    });`);
  assert.deepEqual(lines, ["shared", "/dev/null", "also"]);
  assert.equal(stderr, "error\n");
});

inEachWorld("of a shell command, the pid and the signals are those of the shell", function* ({ on }) {
  const shell = yield* on(createSubprocessShell("sleep 3600 & echo $$ $!; wait", { stdout: PIPE }));
  const [pid, grandchild] = (yield* line(on, shell)).split(" ").map(Number);
  assert.equal(shell.pid, pid);
  shell.terminate();
  assert.equal(yield* on(shell.wait()), -15);
  assert.ok(isAlive(grandchild!));
  process.kill(grandchild!, "SIGKILL");
  yield* on(shell.communicate());
});

inEachWorld("the return code is null until the loop has seen the exit", function* ({ on }) {
  const sleeper = yield* on(createSubprocessExec("sleep", "3600"));
  sleeper.kill();
  while (isAlive(sleeper.pid));
  assert.equal(sleeper.returncode, null);
  sleeper.terminate();
  assert.equal(yield* on(sleeper.wait()), -9);
});

inEachWorld("a process that nobody refers to any more runs on", function* ({ on }) {
  const { pid } = yield* on(createSubprocessExec("sleep", "3600"));
  yield* on(ensureFuture(collectGarbage()));
  assert.ok(isAlive(pid));
  process.kill(pid, "SIGKILL");
  yield* until(on, () => children().length === 0);
});

inEachWorld("the null device gives nothing, and takes everything", function* ({ on }) {
  const options = { stdin: DEVNULL, stdout: PIPE, stderr: DEVNULL } as const;
  const shell = yield* on(createSubprocessShell("cat; echo error >&2; echo end", options));
  assert.deepEqual([shell.stdin, shell.stderr], [null, null]);
  assert.equal(String((yield* on(shell.communicate()))[0]), "end\n");
});

inEachWorld("streams of Node's can be stdin and stdout, once they are open", function* ({ on }) {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-streams-"));
  const path = join(directory, "file");
  const written = createWriteStream(path);
  assert.throws(() => createSubprocessExec("true", { stdout: written }), /no file descriptor \(yet\)/);
  yield* opened(on, written);
  const echo = yield* on(createSubprocessExec("echo", "hello", { stdout: written }));
  assert.equal(yield* on(echo.wait()), 0);
  yield* closed(on, written);
  assert.equal(readFileSync(path, "utf8"), "hello\n");
  const read = createReadStream(path);
  yield* opened(on, read);
  const cat = yield* on(createSubprocessExec("cat", { stdin: read, stdout: PIPE }));
  assert.equal(String((yield* on(cat.communicate()))[0]), "hello\n");
  yield* closed(on, read);
  rmSync(directory, { recursive: true });
});

function* opened(on: Flavour["on"], stream: Readable | Writable): Steps<void> {
  yield* on(ensureFuture(new Promise((resolve) => stream.once("open", resolve))));
}

function* closed(on: Flavour["on"], stream: Readable | Writable): Steps<void> {
  const closing = new Promise((resolve) => stream.once("close", resolve));
  if (stream instanceof Writable) stream.end();
  else stream.destroy();
  yield* on(ensureFuture(closing));
}

test("the loop's methods refuse the same options, and no factory", () => {
  using loop = new EventLoop({ backend: "portable" });
  const factory = () => new (class extends SubprocessProtocol {})();
  for (const name of ["text", "universalNewlines", "bufsize", "encoding", "errors", "shell"]) {
    const options = { [name]: name === "shell" ? "maybe" : 1 } as SpawnOptions;
    assert.throws(() => loop.subprocessExec(factory, "true", options), ValueError, name);
    assert.throws(() => loop.subprocessShell(factory, "true", options), ValueError, name);
  }
  assert.throws(() => loop.subprocessShell(factory, 5 as unknown as string), ValueError);
  assert.throws(() => loop.subprocessExec(null as unknown as typeof factory, "true"), TypeError);
});
