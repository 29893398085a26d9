import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { DEVNULL, PIPE, type SpawnOptions } from "../../../src/index.ts";
import type { ChildProgram } from "../../../src/io/child-program.ts";
import { NativeChild } from "../../../src/io/native/child.ts";
import { SelectorEvents } from "../../../src/io/native/selector-events.ts";
import { startChild } from "../../../src/io/native/spawning.ts";
import { Recorder } from "../../process/recorder.ts";
import { children } from "../../process/support.ts";
import { inEachFlavourNatively } from "./flavoured.ts";
import { skip } from "./support.ts";

const INHERITED = [0, 1, 2] as const;

const LEFT_TO_NODE: readonly (readonly [what: string, program: Partial<ChildProgram>])[] = [
  ["a program that does not exist", { file: "/nonexistent" }],
  ["a program that is not in the PATH", { file: "nonexistent" }],
  ["a program that may be in a PATH of its own", { file: "true", env: { PATH: "/bin" } }],
  ["a directory that does not exist", { cwd: "/nonexistent" }],
  ["arguments that are too long", { argv: ["true", "x".repeat(3_000_000)] }],
  ["a closed fd", { stdio: [9999, 1, 2] }],
  ["a stream of Node's", { stdio: [new PassThrough(), 1, 2] }],
  ["a pipe that Node is to make", { stdio: ["pipe", 1, 2] }],
  ["an fd that is another file by then", { stdio: [2, 0, 2] }],
];

for (const [what, program] of LEFT_TO_NODE) {
  test(`${what} is left to Node, and leaves nothing`, { skip }, () => {
    const events = new SelectorEvents();
    const before = readdirSync("/proc/self/fd").length;
    const usual = { file: "/bin/true", argv: ["true"], env: null, cwd: null, stdio: INHERITED };
    assert.equal(startChild(events, { ...usual, ownSession: false, ...program }), null);
    assert.deepEqual(children(), []);
    assert.equal(readdirSync("/proc/self/fd").length, before);
    events.close();
  });
}

const STARTED: readonly (readonly [what: string, options: SpawnOptions])[] = [
  ["with pipes", { stdin: PIPE, stdout: PIPE, stderr: PIPE }],
  ["with what this process has", { stdin: null, stdout: null, stderr: null }],
  ["with the null device", { stdin: DEVNULL, stdout: DEVNULL, stderr: DEVNULL }],
  ["in another directory", { cwd: "/" }],
  ["with another environment", { env: { ...process.env, MINE: "x" } }],
  ["in a session of its own", { startNewSession: true }],
  ["under another name", { argv0: "mine" }],
];

for (const [how, options] of STARTED) {
  inEachFlavourNatively(`a process is started ${how} without Node`, function* ({ on, loop }) {
    const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "true", options));
    assert.ok(transport.getExtraInfo("subprocess") instanceof NativeChild);
    yield* on(protocol.over);
    assert.equal(transport.getReturncode(), 0);
  });
}

inEachFlavourNatively("another user's process is Node's", function* ({ on, loop }) {
  const options = { uid: process.getuid!() };
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "true", options));
  assert.ok(!(transport.getExtraInfo("subprocess") instanceof NativeChild));
  yield* on(protocol.over);
});

inEachFlavourNatively("what the system takes for no program Node gives to a shell", function* ({ on, loop }) {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-script-"));
  const script = join(directory, "script");
  writeFileSync(script, "exit 3");
  chmodSync(script, 0o755);
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), script));
  assert.ok(!(transport.getExtraInfo("subprocess") instanceof NativeChild));
  yield* on(protocol.over);
  assert.equal(transport.getReturncode(), 3);
  rmSync(directory, { recursive: true });
});
