import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  createSubprocessExec,
  ensureFuture,
  FileNotFoundError,
  PIPE,
  type Process,
  type SpawnOptions,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { backends } from "../io/backends.ts";
import { children, inEachWorld, openFiles, skip } from "./support.ts";

/** What a program prints to stdout. */
function* outputOf(
  on: Flavour["on"],
  program: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Steps<string> {
  const process = yield* on(createSubprocessExec(program, ...args, { stdout: PIPE, ...options }));
  return String((yield* on(process.communicate()))[0]);
}

/** A directory with an executable file `mine` in it, for as long as `use` goes on. */
function* withProgram<T>(source: string, use: (directory: string) => Steps<T>): Steps<T> {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-program-"));
  try {
    writeFileSync(join(directory, "mine"), source);
    chmodSync(join(directory, "mine"), 0o755);
    return yield* use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

inEachWorld("a process ignores no signal, and blocks none", function* ({ on }) {
  const status = yield* outputOf(on, "grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]);
  assert.match(status, /^SigBlk:\t0+\nSigIgn:\t0+\n$/);
});

inEachWorld("a program is looked for in the PATH of its own environment", function* ({ on }) {
  yield* withProgram("#!/bin/sh\necho found", function* (directory) {
    assert.equal(yield* outputOf(on, "mine", [], { env: { PATH: directory } }), "found\n");
    yield* rejects(on(createSubprocessExec("mine")), FileNotFoundError, /^spawn ENOENT mine: /);
    const env = { PATH: directory };
    yield* rejects(on(createSubprocessExec("echo", { env })), FileNotFoundError, /^spawn ENOENT echo: /);
    assert.equal(yield* outputOf(on, "echo", ["usual"], { env: {} }), "usual\n");
  });
});

inEachWorld("a program is looked for from the process's own directory on", function* ({ on }) {
  yield* withProgram("#!/bin/sh\necho $0", function* (cwd) {
    assert.equal(yield* outputOf(on, "./mine", [], { cwd }), "./mine\n");
  });
});

inEachWorld("a script that names no interpreter is the shell's", function* ({ on }) {
  yield* withProgram("echo $1", function* (directory) {
    assert.equal(yield* outputOf(on, join(directory, "mine"), ["text"]), "text\n");
  });
});

inEachWorld("a process has the environment of the moment at which it starts", function* ({ on }) {
  process.env.ASYNCIO_TEST = "now";
  try {
    assert.equal(yield* outputOf(on, "sh", ["-c", "echo $ASYNCIO_TEST"]), "now\n");
  } finally {
    delete process.env.ASYNCIO_TEST;
  }
  assert.equal(yield* outputOf(on, "sh", ["-c", "echo $ASYNCIO_TEST"]), "\n");
});

inEachWorld("a process has what stands in for process.env", function* ({ on }) {
  const real = process.env;
  const copy = { PATH: real.PATH, ASYNCIO_TEST: "a copy" };
  const proxy = new Proxy(real, {
    get: (_, name) => Reflect.get(copy, name),
    ownKeys: () => Reflect.ownKeys(copy),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(copy, name),
  });
  for (const standIn of [copy, Object.freeze({ ...copy }), proxy]) {
    process.env = standIn;
    try {
      assert.equal(yield* outputOf(on, "sh", ["-c", "echo $ASYNCIO_TEST"]), "a copy\n");
    } finally {
      process.env = real;
    }
  }
  assert.equal(yield* outputOf(on, "sh", ["-c", "echo $ASYNCIO_TEST"]), "\n");
});

inEachWorld("a process can have as its stdout what is this one's stdin", function* ({ on }) {
  const file = openSync("/etc/passwd", "r");
  const command = "one=$(readlink /proc/$$/fd/0); echo $one $(readlink /proc/$$/fd/1) >&2";
  const options = { stdin: file, stdout: 0, stderr: PIPE } as const;
  const process = yield* on(createSubprocessExec("sh", "-c", command, options));
  closeSync(file);
  const [, told] = yield* on(process.communicate());
  assert.equal(String(told), `/etc/passwd ${readlinkSync("/proc/self/fd/0")}\n`);
});

inEachWorld("a process waits at what does not wait here", function* ({ on }) {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-fifo-"));
  const path = join(directory, "fifo");
  yield* outputOf(on, "mkfifo", [path]);
  const fifo = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const flags = yield* outputOf(on, "grep", ["flags", "/proc/self/fdinfo/0"], { stdin: fifo });
    assert.equal(Number.parseInt(/flags:\t(\d+)/.exec(flags)![1]!, 8) & constants.O_NONBLOCK, 0);
  } finally {
    closeSync(fifo);
    rmSync(directory, { recursive: true });
  }
});

inEachWorld("Node's processes and ours do not take each other's end", function* ({ on }) {
  const ours: Process[] = [];
  const nodes: Promise<unknown[]>[] = [];
  for (let i = 0; i < 20; i++) {
    ours.push(yield* on(createSubprocessExec("sh", "-c", `exit ${i}`)));
    nodes.push(once(spawn("sh", ["-c", `exit ${i + 100}`]), "exit"));
    assert.equal(spawnSync("sh", ["-c", `exit ${i + 200}`]).status, i + 200);
  }
  for (const [i, process] of ours.entries()) assert.equal(yield* on(process.wait()), i);
  for (const [i, ended] of nodes.entries()) {
    assert.deepEqual(yield* on(ensureFuture(ended)), [i + 100, null]);
  }
});

for (const backend of backends) {
  const options = { skip: skip || backend.skip };

  test(`what its loop's end has killed is no zombie afterwards (${backend.name})`, options, async () => {
    const before = openFiles();
    const loop = backend.makeLoop();
    const warned = once(process, "warning");
    const started = await loop.runUntilComplete(() => createSubprocessExec("sleep", "3600"));
    assert.ok(children().includes(started.pid));
    loop.close();
    assert.equal((await warned)[0].name, "ResourceWarning");
    while (children().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(openFiles() <= before + (backend.name === "native" ? 0 : 3));
  });

  test(`a process of a thread has that thread's environment (${backend.name})`, options, async () => {
    const directory = mkdtempSync(join(tmpdir(), "asyncio-program-"));
    writeFileSync(join(directory, "mine"), "#!/bin/sh\necho $MINE");
    chmodSync(join(directory, "mine"), 0o755);
    const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
    const source = `
      import(${index}).then(async ({ createSubprocessExec, EventLoop, PIPE, run }) => {
        const main = async () => {
          const process = await createSubprocessExec("mine", { stdout: PIPE });
          const [out] = await process.communicate();
          return [String(out), process.returncode];
        };
        const loopFactory = () => new EventLoop({ backend: "${backend.name}" });
        require("node:worker_threads").parentPort.postMessage(await run(main, { loopFactory }));
      });`;
    const worker = new Worker(source, { eval: true, env: { PATH: directory, MINE: "the thread's" } });
    const ended = once(worker, "exit");
    assert.deepEqual((await once(worker, "message"))[0], ["the thread's\n", 0]);
    await ended;
    rmSync(directory, { recursive: true });
  });
}
