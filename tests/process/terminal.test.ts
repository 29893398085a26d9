/** Ctrl-C in the terminal, in the middle of work with processes, threads and workers: nobody is left behind. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { backends } from "../io/backends.ts";
import { CTRL_C, type End, skip, Terminal } from "../terminal.ts";
import { STUBBORN } from "./support.ts";

const INDEX = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
const JOBS = JSON.stringify(new URL("../executors/jobs.ts", import.meta.url).href);

const PRELUDE = `
  import { readFileSync } from "node:fs";
  import * as asyncio from ${INDEX};
  const { createSubprocessExec, createSubprocessShell, createTask, EventLoop, gather, PIPE, sleep, subprocess } = asyncio;
  const ALL = { stdin: PIPE, stdout: PIPE, stderr: PIPE };
  const OUT = { stdout: PIPE };
  const ready = () => console.log("ready");
  const job = (name) => asyncio.work(${JOBS}, name);
  const until = async (condition) => { while (!condition()) await sleep(0.001); };
`;

/** Start a program whose main does this, and nothing about signals: Ctrl-C may end its processes before it hears of that. */
function start(main: string, backend: string): Terminal {
  const source = `${PRELUDE}
    await asyncio.run(async () => { ${main}\n await sleep(3600); }, { loopFactory: () => new EventLoop({ backend: "${backend}" }) });`;
  return new Terminal(process.execPath, ["--input-type=module", "--eval", source]);
}

/** How a program ends that a KeyboardInterrupt has ended, or a second Ctrl-C. */
const INTERRUPTED: End = { code: 130, signal: null };

/** What goes on when Ctrl-C comes: each says "ready" in the middle of it. */
const WORK: Readonly<Record<string, string>> = {
  "processes one after another": `
    for (let i = 0; ; i++) {
      const process = await createSubprocessExec("true", ALL);
      await process.communicate();
      if (i === 20) ready();
    }`,

  "200 processes at once": `
    let running = 0;
    const one = async () => {
      const cat = await createSubprocessExec("cat", ALL);
      if (++running === 200) ready();
      await cat.wait();
    };
    await gather(...Array.from({ length: 200 }, one));`,

  "the start of 200 processes": `
    let running = 0;
    const one = async () => {
      const process = await createSubprocessExec("sleep", "3600", ALL);
      if (++running === 100) ready();
      await process.communicate();
    };
    await gather(...Array.from({ length: 200 }, one));`,

  "100 MiB through a process": `
    const cat = await createSubprocessExec("cat", ALL);
    const communicating = createTask(cat.communicate(Buffer.alloc(100 * 1024 * 1024)));
    const read = () => Number(/rchar: (\\d+)/.exec(readFileSync(\`/proc/\${cat.pid}/io\`, "utf8"))[1]);
    await until(() => read() > 10 * 1024 * 1024);
    ready();
    await communicating;`,

  "a process that ignores it": `
    const process = await createSubprocessExec("sh", "-c", ${JSON.stringify(`trap '' INT; ${STUBBORN}`)}, OUT);
    await process.stdout.readline();
    ready();
    await process.wait();`,

  "a run of a program that ignores it": `
    const command = ${JSON.stringify(`trap '' INT; ${STUBBORN.replace("echo ready", "echo ready >&2")}`)};
    await subprocess.run("sh", "-c", command, { stdout: PIPE, grace: 0.05 });`,

  "a program that ignores it, in a session of its own": `
    const options = { stdout: PIPE, startNewSession: true };
    const shell = await createSubprocessExec("sh", "-c", ${JSON.stringify(`trap '' INT; ${STUBBORN}`)}, options);
    await shell.stdout.readline();
    ready();
    try { await shell.wait(); } finally { await shell.stop({ grace: 0.05 }); }`,

  "a pipeline whose shell is gone": `
    const shell = await createSubprocessShell("sleep 3600 | cat", OUT);
    await until(() => readFileSync(\`/proc/\${shell.pid}/task/\${shell.pid}/children\`, "utf8").split(" ").length > 2);
    shell.kill();
    await shell.wait();
    ready();
    await shell.communicate(null, { drain: Infinity });`,

  // A shell lets what it runs in the background ignore Ctrl-C, so the terminal does not end it.
  "a job in the background of a shell that is gone, with killTree": `
    const shell = await createSubprocessShell("sleep 3600 & exec true", { ...OUT, startNewSession: true });
    await shell.wait();
    ready();
    try { await shell.communicate(null, { drain: Infinity }); } finally { shell.killTree(); }`,
};

const options = { skip, timeout: 240_000 };

for (const backend of backends) {
  for (const [what, main] of Object.entries(WORK)) {
    test(`Ctrl-C during ${what} ends all (${backend.name})`, {
      ...options,
      skip: skip || backend.skip,
    }, async () => {
      await using terminal = start(main, backend.name);
      await terminal.shows("ready");
      terminal.type(CTRL_C);
      assert.deepEqual(await terminal.ended, INTERRUPTED, terminal.screen);
      assert.match(terminal.screen, /KeyboardInterrupt/);
      assert.deepEqual(await terminal.left(), []);
    });
  }
}

/** Ctrl-C, and once more while the program cleans up, which would have no end. */
async function interruptTwice(terminal: Terminal): Promise<void> {
  await terminal.shows("ready");
  terminal.type(CTRL_C);
  await terminal.shows("cleaning up");
  terminal.type(CTRL_C);
  assert.deepEqual(await terminal.ended, INTERRUPTED, terminal.screen);
  assert.deepEqual(await terminal.left(), []);
}

/** Jobs of all kinds, for ever. */
const STORM = (pool: string) => `
  await using pool = new asyncio.${pool}({ maxWorkers: 2 });
  const impatient = pool.with({ terminate: 0 });
  let done = 0;
  const kinds = [
    () => pool.submit(job("add"), 1, 2),
    () => pool.submit(job("fail"), 3),
    () => { const future = pool.submit(job("add"), 1, 2); future.cancel(); return future; },
    () => pool.submit(() => process.exit(1)),
    () => { const future = impatient.submit(job("spin")); setTimeout(() => future.cancel(), 20); return future; },
  ];
  const stream = async (first) => {
    for (let n = first; ; n++) {
      await asyncio.wait([asyncio.wrapFuture(kinds[n % kinds.length]())]);
      if (++done === 50) ready();
    }
  };
  await gather(...kinds.map((_, n) => stream(n)));`;

for (const pool of ["ThreadPoolExecutor", "ProcessPoolExecutor"]) {
  test(`Ctrl-C during a storm of jobs in a ${pool} ends all`, options, async () => {
    await using terminal = start(STORM(pool), "portable");
    await terminal.shows("ready");
    terminal.type(CTRL_C);
    assert.deepEqual(await terminal.ended, INTERRUPTED, terminal.screen);
    assert.match(terminal.screen, /KeyboardInterrupt/);
    assert.deepEqual(await terminal.left(), []);
  });

  test(`a second Ctrl-C ends a program that waits for a job of a ${pool} without end`, options, async () => {
    const main = `
      await using pool = new asyncio.${pool}({ maxWorkers: 2 });
      const futures = [pool.submit(job("spin")), pool.submit(job("untilAborted"))];
      await until(() => futures.every((future) => future.running()));
      ready();
      try { await sleep(3600); } finally { console.log("cleaning up"); }`;
    await using terminal = start(main, "portable");
    await interruptTwice(terminal);
  });
}

test("a second Ctrl-C ends a clean-up that takes too long, with all processes", options, async () => {
  const main = `
    const options = { stdout: PIPE, startNewSession: true };
    const shell = await createSubprocessExec("sh", "-c", ${JSON.stringify(STUBBORN)}, options);
    await shell.stdout.readline();
    ready();
    try { await shell.wait(); } finally { console.log("cleaning up"); await shell.stop({ grace: 3600 }); }`;
  await using terminal = start(main, "portable");
  await interruptTwice(terminal);
});

// In its own session it can be ended by killTree, as above.
test(
  "a job in the background of a shell ignores Ctrl-C in this session, as under CPython",
  options,
  async () => {
    const shell = "echo ready; sleep 3600 & exec true";
    const main = `
    const shell = await createSubprocessShell(${JSON.stringify(shell)});
    await shell.wait();
    console.log("waiting");`;
    const python = `
import asyncio
async def main():
    shell = await asyncio.create_subprocess_shell(${JSON.stringify(shell)})
    await shell.wait()
    print("waiting", flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())`;
    for (const open of [() => start(main, "portable"), () => new Terminal("python3", ["-c", python])]) {
      await using terminal = open();
      await terminal.shows("waiting");
      terminal.type(CTRL_C);
      await terminal.ended;
      assert.equal(terminal.processes().length, 1, terminal.screen);
    }
  },
);
