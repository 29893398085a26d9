/**
 * A map over two worker processes, which could as well be on other machines. Needs `redis-server`; where a Redis runs
 * already, its URL and `npx asyncio-ts worker --redis URL jobs.ts` on each machine are all there is to it.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BullmqExecutor } from "../src/executors/bullmq/index.ts";
import { createSubprocessExec, DEVNULL, PIPE, type Process, run, work } from "../src/index.ts";
import type { countPrimes } from "./distributed-map-jobs.ts";

const JOBS = new URL("./distributed-map-jobs.ts", import.meta.url);
const ASYNCIO_TS = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function startRedis(port: number, directory: string): PromiseLike<Process> {
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  return createSubprocessExec("redis-server", ...settings, { stdout: DEVNULL });
}

/** A worker, when it takes jobs. */
async function startWorker(url: string): Promise<Process> {
  const args = [ASYNCIO_TS, "worker", "--redis", url, fileURLToPath(JOBS)];
  const worker = await createSubprocessExec(process.execPath, ...args, { stdout: PIPE });
  await worker.stdout!.readline();
  return worker;
}

await run(async () => {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const directory = await mkdtemp(join(tmpdir(), "distributed-map-"));
  try {
    await using _redis = await startRedis(port, directory);
    await using queue = new BullmqExecutor("asyncio", { redis: url, retries: 2, timeout: 60 });
    await using _first = await startWorker(url);
    await using _second = await startWorker(url);

    const starts = Array.from({ length: 20 }, (_, n) => n * 50_000);
    const ends = starts.map((start) => start + 50_000);
    let total = 0;
    const pids = new Set<number>();
    for await (const { pid, count } of queue.map(
      work<typeof countPrimes>(JOBS, "countPrimes"),
      starts,
      ends,
    )) {
      total += count;
      pids.add(pid);
    }
    console.log(`${total} primes below a million, found by ${pids.size} processes`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
