import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { children, until } from "./pools.ts";

const skip = process.platform === "linux" ? false : "it looks into /proc";

/** Start a program in a process group of its own, which says "ready" when Ctrl-C may come. */
function start(source: string): ChildProcess {
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const jobs = JSON.stringify(new URL("./jobs.ts", import.meta.url).href);
  const program = `
    import { ProcessPoolExecutor, ThreadPoolExecutor, run, sleep, work } from ${index};
    const job = (name) => work(${jobs}, name);
    const allRunning = async (futures) => {
      while (!futures.every((future) => future.running())) await new Promise((resolve) => setTimeout(resolve, 5));
      console.log("ready");
    };
    ${source}
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly workers: number[];
}

/** Press Ctrl-C when the program is ready, and tell how it ends, and which workers it had. */
async function interrupt(program: ChildProcess, signal: NodeJS.Signals, group = true): Promise<End> {
  let stdout = "";
  program.stdout!.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  program.stderr!.resume();
  await until(() => stdout.includes("ready"));
  const workers = children(program.pid!);
  process.kill(group ? -program.pid! : program.pid!, signal);
  const [code, endedBy] = await once(program, "exit");
  return { code, signal: endedBy, stdout, workers };
}

/** Resolves when none of them is there any more. */
async function gone(workers: readonly number[]): Promise<void> {
  await until(() =>
    workers.every((pid) => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    }),
  );
}

const BUSY = `
  const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
  const futures = [pool.submit(job("spin")), pool.submit(job("untilAborted"))];
`;

const options = { skip, timeout: 60_000 };

test("Ctrl-C ends a program and its processes, also those that hold up their thread", options, async () => {
  const { signal, workers } = await interrupt(start(`${BUSY} await allRunning(futures);`), "SIGINT");
  assert.equal(signal, "SIGINT");
  assert.equal(workers.length, 2);
  await gone(workers);
});

test("the processes of a program that is killed end, too", options, async () => {
  const { signal, workers } = await interrupt(start(`${BUSY} await allRunning(futures);`), "SIGKILL", false);
  assert.equal(signal, "SIGKILL");
  assert.equal(workers.length, 2);
  await gone(workers);
});

test("on Ctrl-C a program can let its processes finish their jobs", options, async () => {
  const program = start(`
    await run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
      const future = pool.submit(async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return "finished";
      });
      await allRunning([future]);
      try {
        await sleep(1000);
      } finally {
        console.log(await future);
      }
    }).catch((error) => console.log(error.name));
  `);
  const { stdout, workers } = await interrupt(program, "SIGINT");
  assert.equal(stdout, "ready\nfinished\nKeyboardInterrupt\n");
  assert.equal(workers.length, 1);
  await gone(workers);
});

test("Ctrl-C in run with threads at work ends the program, when they are told to end", options, async () => {
  const program = start(`
    await run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const impatient = pool.with({ terminate: 0.01 });
      const futures = [impatient.submit(job("spin")), impatient.submit(job("untilThrown"))];
      await allRunning(futures);
      try {
        await sleep(1000);
      } finally {
        for (const future of futures) future.cancel();
      }
    }).catch((error) => console.log(error.name));
  `);
  const { stdout, workers } = await interrupt(program, "SIGINT");
  assert.equal(stdout, "ready\nKeyboardInterrupt\n");
  assert.deepEqual(workers, []);
});
