import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type TestOptions, test } from "node:test";
import {
  BrokenProcessPool,
  BrokenThreadPool,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  ThreadPoolExecutor,
  type ThreadPoolExecutorOptions,
  work,
} from "../../src/index.ts";
import type * as Jobs from "./jobs.ts";

type JobName = keyof typeof Jobs;

const JOBS = new URL("./jobs.ts", import.meta.url);

/** One of the functions for workers, by its name. */
export function job<N extends JobName>(name: N) {
  return work<Extract<(typeof Jobs)[N], (...args: never) => unknown>>(JOBS, name);
}

export interface PoolUnderTest {
  readonly name: "threads" | "processes";
  readonly Broken: typeof BrokenThreadPool | typeof BrokenProcessPool;
  make(
    options?: ThreadPoolExecutorOptions & ProcessPoolExecutorOptions,
  ): ThreadPoolExecutor | ProcessPoolExecutor;
  /** Options with which `hoard` soon runs out of memory. */
  readonly littleMemory: ThreadPoolExecutorOptions & ProcessPoolExecutorOptions;
}

const pools: readonly PoolUnderTest[] = [
  {
    name: "threads",
    Broken: BrokenThreadPool,
    make: (options) => new ThreadPoolExecutor(options),
    littleMemory: { resourceLimits: { maxOldGenerationSizeMb: 20, maxYoungGenerationSizeMb: 2 } },
  },
  {
    name: "processes",
    Broken: BrokenProcessPool,
    make: (options) => new ProcessPoolExecutor(options),
    littleMemory: { execArgv: ["--max-old-space-size=40"] },
  },
];

/** Register a test per kind of pool. None may leave a worker behind. */
export function inEachPool(
  name: string,
  body: (pool: PoolUnderTest) => Promise<void>,
  options: TestOptions = {},
): void {
  for (const pool of pools) {
    test(`${name} (${pool.name})`, { timeout: 60_000, ...options }, () => body(pool));
  }
}

/** The processes that this one has started and that are there, zombies included. */
export function children(pid: number = process.pid): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((one) => parentOf(one) === pid);
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The error that it must fail with. */
export async function errorOf(future: PromiseLike<unknown>): Promise<Error> {
  const error = await future.then(
    () => assert.fail("an error was expected"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error);
  return error;
}
