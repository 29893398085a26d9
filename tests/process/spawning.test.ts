import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  ensureFuture,
  FileNotFoundError,
  NotADirectoryError,
  NotImplementedError,
  OSError,
  PermissionError,
  PIPE,
  type SpawnOptions,
  STDOUT,
  ValueError,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { children, inEachWorld, line, openFiles } from "./support.ts";

const ALL = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;

/** What a shell prints for `command`. */
function* outputOf(on: Flavour["on"], command: string, options: SpawnOptions = {}): Steps<string> {
  const shell = yield* on(createSubprocessShell(command, { stdout: PIPE, ...options }));
  const [out] = yield* on(shell.communicate());
  return String(out);
}

const FAILURES = [
  [
    "a program that does not exist",
    "/nonexistent",
    {},
    FileNotFoundError,
    "spawn ENOENT /nonexistent: No such file or directory",
  ],
  ["a program that is not in the PATH", "nonexistent", {}, FileNotFoundError, /^spawn ENOENT nonexistent: /],
  ["a file that is no program", "/etc/passwd", {}, PermissionError, /^spawn EACCES \/etc\/passwd: /],
  [
    "a program behind a file that is no directory",
    "/etc/passwd/program",
    {},
    NotADirectoryError,
    /^spawn ENOTDIR \/etc\/passwd\/program: /,
  ],
  ["a directory", "/etc", {}, PermissionError, /^spawn EACCES \/etc: /],
  ["no name at all", "", {}, PermissionError, /^spawn EACCES "": /],
  [
    "a directory that does not exist",
    "true",
    { cwd: "/nonexistent" },
    FileNotFoundError,
    /^chdir ENOENT \/nonexistent: /,
  ],
  ["an empty directory name", "true", { cwd: "" }, FileNotFoundError, /^chdir ENOENT "": /],
  [
    "a directory that is none",
    "true",
    { cwd: "/etc/passwd" },
    NotADirectoryError,
    /^chdir ENOTDIR \/etc\/passwd: /,
  ],
  [
    "an environment that is too large",
    "true",
    { env: { A: "x".repeat(3e6) } },
    OSError,
    /^spawn E2BIG true: /,
  ],
  ["a closed fd", "true", { stdin: 9999 }, OSError, /^spawn EBADF true: /],
  ["a closed fd to pass on", "true", { passFds: [9999] }, OSError, /^spawn EBADF true: /],
] as const;

for (const [what, program, options, Class, message] of FAILURES) {
  inEachWorld(`${what} is an error of the await, and leaves nothing`, function* ({ on }) {
    const before = openFiles();
    for (const stderr of [PIPE, STDOUT] as const) {
      const starting = createSubprocessExec(program, { ...ALL, stderr, ...options });
      yield* rejects(on(starting), Class, message);
      assert.deepEqual(children(), []);
    }
    yield* on(ensureFuture(new Promise((resolve) => setImmediate(resolve))));
    assert.ok(openFiles() <= before + 1);
  });
}

inEachWorld(
  "where no file can be opened any more, the error is EMFILE, and nothing leaks",
  function* ({ on }) {
    const held: number[] = [];
    const hold = () => {
      for (;;) held.push(openSync("/dev/null", "r"));
    };
    const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))![1]);
    if (limit > 70_000) return;
    assert.throws(hold, { code: "EMFILE" });
    try {
      for (let room = 0; room < 6; room++) {
        const starting = createSubprocessExec("true", ALL);
        yield* rejects(on(starting), OSError, /EMFILE/);
        closeSync(held.pop()!);
      }
    } finally {
      for (const fd of held) closeSync(fd);
    }
  },
);

inEachWorld("stderr goes where stdout goes, in order", function* ({ on }) {
  const command = "echo 1; echo 2 >&2; echo 3; echo 4 >&2";
  assert.equal(yield* outputOf(on, command, { stderr: STDOUT }), "1\n2\n3\n4\n");
  const both = { stdout: DEVNULL, stderr: STDOUT } as const;
  const process = yield* on(createSubprocessShell("echo x >&2", both));
  assert.equal(process.stderr, null);
  assert.equal(yield* on(process.wait()), 0);
});

inEachWorld("a process has this one's directory and environment, or those it is given", function* ({ on }) {
  const tmp = realpathSync(tmpdir());
  assert.equal(yield* outputOf(on, "pwd"), `${process.cwd()}\n`);
  assert.equal(yield* outputOf(on, "pwd", { cwd: tmp }), `${tmp}\n`);
  assert.equal(yield* outputOf(on, "pwd", { cwd: pathToFileURL(tmp) }), `${tmp}\n`);
  assert.equal(yield* outputOf(on, "echo $HOME", { cwd: null, env: null }), `${process.env.HOME}\n`);
  const env = { PATH: process.env.PATH, MINE: "äö $x", HOME: undefined };
  assert.equal(yield* outputOf(on, 'echo "$MINE|$HOME"', { env }), "äö $x|\n");
});

inEachWorld(
  "arguments arrive as they are, and the program has the name that it is given",
  function* ({ on }) {
    const args = ["", " ", "äö", "*", "$HOME", '"', "'", "-n"];
    const process = yield* on(createSubprocessExec("printf", "%s|", ...args, { stdout: PIPE }));
    assert.equal(String((yield* on(process.communicate()))[0]), `${args.join("|")}|`);
    const named = yield* on(createSubprocessExec("sh", "-c", "echo $0", { stdout: PIPE, argv0: "mine" }));
    assert.equal(String((yield* on(named.communicate()))[0]), "mine\n");
    const other = { stdout: PIPE, executable: "/bin/cat" } as const;
    const cat = yield* on(createSubprocessExec("mine", "/proc/self/cmdline", other));
    assert.equal(String((yield* on(cat.communicate()))[0]), "mine\0/proc/self/cmdline\0");
    assert.equal(yield* outputOf(on, "echo $BASH", { executable: "/bin/bash" }), "/bin/bash\n");
    assert.equal(yield* outputOf(on, ""), "");
    const bytes = yield* on(createSubprocessShell(Buffer.from("echo ä"), { stdout: PIPE }));
    assert.equal(String((yield* on(bytes.communicate()))[0]), "ä\n");
  },
);

inEachWorld("files can be stdin and stdout: by fd, as a FileHandle, with a fileno()", function* ({ on }) {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-files-"));
  const path = join(directory, "file");
  const writer = openSync(path, "w");
  const echo = yield* on(createSubprocessExec("echo", "hello", { stdout: writer }));
  yield* on(echo.wait());
  closeSync(writer);
  const handle = yield* on(ensureFuture(open(path)));
  assert.equal(yield* outputOf(on, "cat", { stdin: handle }), "hello\n");
  yield* on(ensureFuture(handle.close()));
  assert.throws(() => createSubprocessExec("cat", { stdin: handle }), ValueError);
  const reader = openSync(path, "r");
  assert.equal(yield* outputOf(on, "cat", { stdin: { fileno: () => reader } }), "hello\n");
  closeSync(reader);
  rmSync(directory, { recursive: true });
});

inEachWorld("processes can be joined by the pipe of one of them", function* ({ on }) {
  const count = yield* on(createSubprocessExec("wc", "-l", { stdin: PIPE, stdout: PIPE }));
  const sort = yield* on(createSubprocessExec("sort", "-u", { stdin: PIPE, stdout: count.stdin }));
  count.stdin!.close();
  const print = yield* on(createSubprocessExec("printf", "b\\na\\nb\\n", { stdout: sort.stdin!.transport }));
  sort.stdin!.close();
  assert.equal((yield* line(on, count)).trim(), "2");
  for (const process of [print, sort, count]) assert.equal(yield* on(process.wait()), 0);
  assert.throws(() => createSubprocessExec("true", { stdout: sort.stdin }), ValueError);
});

inEachWorld("a reader can be handed on, unless something was read", function* ({ on, backend }) {
  const source = yield* on(
    createSubprocessExec("sh", "-c", "read x; echo $x", { stdin: PIPE, stdout: PIPE }),
  );
  if (backend === "portable") {
    assert.throws(() => createSubprocessExec("cat", { stdin: source.stdout }), NotImplementedError);
    yield* on(source.communicate());
    return;
  }
  const cat = yield* on(createSubprocessExec("cat", { stdin: source.stdout, stdout: PIPE }));
  source.stdin!.write("through\n");
  assert.equal(yield* line(on, cat), "through");
  source.stdin!.close();
  source.stdout!.feedData("read already");
  assert.throws(() => createSubprocessExec("cat", { stdin: source.stdout }), ValueError);
  yield* on(source.wait());
  yield* on(cat.wait());
  source.stdout!.transport!.close();
});

inEachWorld("a process gets the fds that are passed, and no others", function* ({ on }) {
  const fd = openSync("/etc/passwd", "r");
  const other = openSync("/etc/passwd", "r");
  const command = "readlink /proc/self/fd/*";
  const passed = yield* outputOf(on, command, { passFds: [fd], stdin: DEVNULL });
  assert.equal(passed.split("\n").filter((path) => path === "/etc/passwd").length, 1);
  assert.equal(yield* outputOf(on, `readlink /proc/self/fd/${fd}`, { passFds: [fd] }), "/etc/passwd\n");
  assert.doesNotMatch(yield* outputOf(on, command), /passwd/);
  closeSync(fd);
  closeSync(other);
});

inEachWorld("a session of its own has the process's number", function* ({ on }) {
  const command = "cut -d' ' -f1,5,6 /proc/$$/stat";
  const [pid, group, session] = (yield* outputOf(on, command, { startNewSession: true })).trim().split(" ");
  assert.deepEqual([group, session], [pid, pid]);
  const [own, ours] = (yield* outputOf(on, command)).trim().split(" ");
  assert.notEqual(own, ours);
});

inEachWorld(
  "root can start a process as somebody else",
  function* ({ on }) {
    assert.equal(yield* outputOf(on, "id -u; id -g", { uid: 65534, gid: 65533 }), "65534\n65533\n");
  },
  { skip: process.getuid?.() === 0 ? false : "only root can do that" },
);

const BAD: readonly (readonly [options: object, Class: new (message?: string) => Error, message: RegExp])[] =
  [
    [{ stdin: STDOUT }, ValueError, /STDOUT/],
    [{ stdout: -5 }, ValueError, /-5/],
    [{ stdin: "file" }, TypeError, /stdin must be PIPE/],
    [{ stdin: {} }, TypeError, /stdin must be PIPE/],
    [{ stdin: new PassThrough() }, TypeError, /PassThrough has no file descriptor/],
    [{ text: true }, ValueError, /text must be false/],
    [{ universalNewlines: true }, ValueError, /universalNewlines/],
    [{ encoding: "utf8" }, ValueError, /encoding must be null/],
    [{ bufsize: 1 }, ValueError, /bufsize must be 0/],
    [{ shell: true }, ValueError, /shell must be false/],
    [{ preexecFn: () => {} }, NotImplementedError, /preexecFn/],
    [{ umask: 0o77 }, NotImplementedError, /umask/],
    [{ processGroup: 0 }, NotImplementedError, /startNewSession/],
    [{ detached: true }, TypeError, /use startNewSession/],
    [{ nonsense: 1 }, TypeError, /no option "nonsense"/],
    [{ cwd: 5 }, TypeError, /cwd must be a string/],
    [{ cwd: "a\0b" }, ValueError, /NUL/],
    [{ env: ["A=b"] }, TypeError, /env must be an object/],
    [{ env: { A: 1 } }, TypeError, /env\.A must be a string/],
    [{ env: { "A=B": "" } }, ValueError, /illegal environment variable name/],
    [{ env: { "": "" } }, ValueError, /illegal environment variable name/],
    [{ env: { "A\0": "" } }, ValueError, /illegal environment variable name/],
    [{ env: { A: "\0" } }, ValueError, /NUL/],
    [{ uid: "root" }, TypeError, /uid must be a number/],
    [{ gid: -1 }, ValueError, /gid/],
    [{ startNewSession: 1 }, TypeError, /startNewSession must be a boolean/],
    [{ passFds: [1] }, ValueError, /from 3 on/],
    [{ passFds: 3 }, TypeError, /passFds/],
    [{ signal: 9 }, TypeError, /AbortSignal/],
    [{ limit: 0 }, ValueError, /limit/],
    [{ limit: "1" }, TypeError, /limit/],
  ];

test("options that make no sense are refused at the call", () => {
  for (const [options, Class, message] of BAD) {
    const named = (error: Error) => error instanceof Class && message.test(error.message);
    assert.throws(() => createSubprocessExec("true", options as SpawnOptions), named, String(message));
  }
  for (const options of [
    { text: false, bufsize: 0, encoding: null, closeFds: true, umask: -1, shell: false },
  ]) {
    createSubprocessExec("true", options as SpawnOptions).close();
  }
  assert.throws(() => createSubprocessShell("true", { shell: false } as SpawnOptions), ValueError);
  assert.throws(() => createSubprocessShell("true", 5 as unknown as SpawnOptions), TypeError);
  createSubprocessShell("true", { shell: true } as SpawnOptions).close();
});

test("commands that are none are refused at the call", () => {
  const exec = createSubprocessExec as (...args: unknown[]) => unknown;
  assert.throws(() => exec(5), TypeError);
  assert.throws(() => exec("echo", 5), /argument 1 of the program must be a string, not the number 5/);
  assert.throws(() => exec("echo", {}, "x"), TypeError);
  assert.throws(() => exec("cat", new URL("file:///etc/passwd")), TypeError);
  assert.throws(() => exec("echo", Buffer.from("x")), TypeError);
  assert.throws(() => exec("echo", "a\0b"), ValueError);
  const shell = createSubprocessShell as (...args: unknown[]) => unknown;
  assert.throws(() => shell(5), ValueError);
  assert.throws(() => shell(Buffer.of(0xff)), ValueError);
});
