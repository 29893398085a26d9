import { createHash } from "node:crypto";
import { getRunningLoop, ProcessPoolExecutor, run, ThreadPoolExecutor, work } from "../src/index.ts";

export const title = "executors: what blocks and what computes, in threads and processes";

/** Blocks its thread: a task that did this would hold up the whole loop. */
export async function blockingIo(): Promise<number> {
  const { readSync, openSync, closeSync } = await import("node:fs");
  const fd = openSync("/dev/urandom", "r");
  try {
    return readSync(fd, Buffer.alloc(100));
  } finally {
    closeSync(fd);
  }
}

/** Computes for a while. */
export function cpuBound(): string {
  let digest = "";
  for (let i = 0; i < 100_000; i++) digest = createHash("sha256").update(digest).digest("hex");
  return digest.slice(0, 8);
}

export async function main(): Promise<void> {
  await run(async () => {
    const loop = getRunningLoop();

    // 1. In the loop's own pool of threads:
    console.log("default thread pool:", await loop.runInExecutor(null, work(import.meta, blockingIo)));

    // 2. In a pool of threads of one's own:
    await using threads = new ThreadPoolExecutor();
    console.log("custom thread pool:", await loop.runInExecutor(threads, work(import.meta, blockingIo)));

    // 3. In a pool of processes:
    await using processes = new ProcessPoolExecutor();
    console.log("custom process pool:", await loop.runInExecutor(processes, work(import.meta, cpuBound)));
  });
}
