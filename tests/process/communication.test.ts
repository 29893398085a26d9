import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CancelledError,
  createSubprocessExec,
  createSubprocessShell,
  createTask,
  PIPE,
  type Process,
  RuntimeError,
  sleep,
  ValueError,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { inEachWorld, isAlive, until } from "./support.ts";

const ALL = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;
const TWO = "cat; echo error >&2; exit 3";

function text(output: readonly (Buffer | null)[]): (string | null)[] {
  return output.map((data) => (data === null ? null : String(data)));
}

inEachWorld("communicate sends the input, and gives what comes of it", function* ({ on }) {
  const process = yield* on(createSubprocessShell(TWO, ALL));
  assert.deepEqual(text(yield* on(process.communicate("input\n"))), ["input\n", "error\n"]);
  assert.equal(process.returncode, 3);
});

inEachWorld("what is no pipe gives null", function* ({ on }) {
  const process = yield* on(createSubprocessExec("echo", "x", { stdout: PIPE }));
  assert.deepEqual(text(yield* on(process.communicate())), ["x\n", null]);
  const quiet = yield* on(createSubprocessExec("true"));
  assert.deepEqual(yield* on(quiet.communicate()), [null, null]);
});

inEachWorld("without input, stdin is closed", function* ({ on }) {
  const process = yield* on(createSubprocessExec("cat", ALL));
  assert.deepEqual(text(yield* on(process.communicate())), ["", ""]);
});

inEachWorld("a second communicate after all gives nothing more", function* ({ on }) {
  const process = yield* on(createSubprocessExec("echo", "x", ALL));
  assert.deepEqual(text(yield* on(process.communicate())), ["x\n", ""]);
  assert.deepEqual(text(yield* on(process.communicate())), ["", ""]);
});

inEachWorld("input that the process does not want is no error", function* ({ on }) {
  const process = yield* on(createSubprocessExec("head", "-c1", ALL));
  const [out] = yield* on(process.communicate(Buffer.alloc(4 * 1024 * 1024, "abc")));
  assert.equal(String(out), "a");
  assert.equal(process.returncode, 0);
});

inEachWorld("input goes as text, bytes or an ArrayBuffer, and nothing else", function* ({ on }) {
  for (const input of ["äö", Buffer.from("äö"), new Uint8Array(Buffer.from("äö")).buffer]) {
    const process = yield* on(createSubprocessExec("cat", ALL));
    assert.equal(String((yield* on(process.communicate(input)))[0]), "äö");
  }
  const process = yield* on(createSubprocessExec("cat", ALL));
  assert.throws(() => process.communicate(5 as unknown as string), TypeError);
  assert.throws(() => process.communicate(null, { drain: -1 }), ValueError);
  assert.throws(() => process.communicate(null, { drain: "1" as unknown as number }), TypeError);
  yield* on(process.communicate());
  const deaf = yield* on(createSubprocessExec("true", { stdout: PIPE }));
  assert.throws(() => deaf.communicate("x"), /input needs a pipe/);
  yield* on(deaf.communicate());
});

inEachWorld(
  "while somebody else reads, communicate is a RuntimeError, and nothing is lost",
  function* ({ on }) {
    const process = yield* on(createSubprocessShell("read x; echo $x; read x; echo $x", ALL));
    const line = createTask(process.stdout!.readline());
    yield* on(sleep(0));
    process.stdin!.write("one\ntwo\n");
    yield* rejects(on(process.communicate()), RuntimeError);
    assert.equal(String(yield* on(line)), "one\n");
    assert.deepEqual(text(yield* on(process.communicate())), ["two\n", ""]);
  },
);

inEachWorld("two who communicate at once both end, and one has the output", function* ({ on }) {
  const { shell, open } = yield* gated(on, "echo x; exec 1>&- 2>&-", "exit 3");
  const first = createTask(shell.communicate());
  yield* until(on, () => shell.stdout!.atEof() && shell.stderr!.atEof());
  yield* on(sleep(0));
  const second = createTask(shell.communicate());
  yield* on(sleep(0));
  open();
  assert.deepEqual(text(yield* on(first)), ["x\n", ""]);
  assert.deepEqual(text(yield* on(second)), ["", ""]);
});

/** A shell that does `first`, and `last` when the file that `open` makes is there. */
function* gated(on: Flavour["on"], first: string, last: string): Steps<{ shell: Process; open(): void }> {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-gate-"));
  const gate = join(directory, "open");
  const command = `${first}; while [ ! -e ${gate} ]; do sleep 0.01; done; rm -r ${directory}; ${last}`;
  const shell = yield* on(createSubprocessShell(command, ALL));
  return { shell, open: () => writeFileSync(gate, "") };
}

for (const seconds of [0, 0.001, 0.02, 0.06]) {
  inEachWorld(`a communicate cancelled after ${seconds} s leaves all to the next one`, function* ({ on }) {
    const { shell, open } = yield* gated(on, "echo early; exec 2>&-; read x; echo $x", "cat");
    const communicating = createTask(shell.communicate("hello\nyou\n"));
    yield* on(sleep(seconds));
    communicating.cancel();
    yield* rejects(on(communicating), CancelledError);
    assert.equal(shell.returncode, null);
    yield* rejects(on(shell.communicate("again\n")), ValueError);
    open();
    assert.deepEqual(text(yield* on(shell.communicate())), ["early\nhello\nyou\n", ""]);
    assert.equal(shell.returncode, 0);
  });
}

inEachWorld("what a cancelled communicate had read to its end is there for the next", function* ({ on }) {
  const { shell, open } = yield* gated(on, "echo whole; exec 1>&-", "echo late >&2");
  const communicating = createTask(shell.communicate());
  yield* until(on, () => shell.stdout!.atEof());
  yield* on(sleep(0));
  communicating.cancel();
  yield* rejects(on(communicating), CancelledError);
  open();
  assert.deepEqual(text(yield* on(shell.communicate())), ["whole\n", "late\n"]);
});

inEachWorld(
  "who holds the pipes open keeps communicate for no longer than the drain",
  function* ({ on, loop }) {
    const process = yield* on(createSubprocessShell("sleep 3600 & echo $!; exit 5", ALL));
    const started = loop.time();
    const [out, err] = yield* on(process.communicate(null, { drain: 0.1 }));
    assert.ok(loop.time() - started >= 0.1);
    assert.equal(process.returncode, 5);
    assert.equal(err!.length, 0);
    const grandchild = Number(String(out));
    assert.ok(isAlive(grandchild));
    globalThis.process.kill(grandchild, "SIGKILL");
  },
);

inEachWorld("who lets go of the pipes within the drain is heard to the end", function* ({ on }) {
  const process = yield* on(createSubprocessShell("(sleep 0.1; echo late) & echo early", ALL));
  assert.deepEqual(text(yield* on(process.communicate(null, { drain: Infinity }))), ["early\nlate\n", ""]);
  const other = yield* on(createSubprocessShell("(sleep 0.1; echo late) & echo early", ALL));
  assert.deepEqual(text(yield* on(other.communicate())), ["early\nlate\n", ""]);
});

inEachWorld("a grandchild gets all of the input, also when the process has exited", function* ({ on }) {
  const input = "x".repeat(1024 * 1024);
  const process = yield* on(createSubprocessShell("exec 3<&0; (sleep 0.1; wc -c) <&3 & head -c1 >&2", ALL));
  const [out] = yield* on(process.communicate(input));
  // The process must have had something: on the portable backend its exit closes stdin, behind what was written.
  assert.equal(String(out).trim(), String(input.length - 1));
});
