import { parseArgs } from "node:util";
import { UsageError } from "./usage-error.ts";

export const help = `usage: asyncio-ts worker [OPTIONS] MODULE...

Carries out the jobs that BullmqExecutor puts into a queue: the functions that the modules export, and no others. A
MODULE is a file, known by its name without folder and extension, or the name of a package; NAME=MODULE gives it another
name. Needs the packages bullmq and ioredis.

options:
  --redis URL        where Redis is; by default $REDIS_URL, or redis://127.0.0.1:6379
  --queue NAME       which queue; by default asyncio
  --prefix PREFIX    how the keys in Redis begin; by default bull
  --concurrency N    how many jobs at once; by default 1, or as many as there are threads
  --threads N        carry them out in N threads, for jobs that compute; by default 0, in the loop
  --lock SECONDS     without a sign of life for so long, a worker counts as dead, and another one takes its
                     jobs; by default 30
  --deaths N         so many workers may die of a job before it fails; by default 3
  --grace SECONDS    at SIGTERM or SIGINT, what jobs that run have to end; then they go back into the queue;
                     by default 10
  --patience SECONDS what a job has to clean up when it is cancelled, or out of time; by default 5
  --allow-source     also run functions that come as their source: whoever can write to Redis can then run
                     anything here`;

export interface WorkerArguments {
  readonly redis: string;
  readonly queue: string;
  readonly prefix: string;
  readonly concurrency: number;
  readonly threads: number;
  readonly lock: number;
  readonly deaths: number;
  readonly grace: number;
  readonly patience: number;
  readonly allowSource: boolean;
  readonly modules: readonly string[];
}

/** Throws UsageError. */
export function parseWorkerArguments(args: readonly string[]): WorkerArguments {
  const { values, positionals } = parse(args);
  if (positionals.length === 0)
    throw new UsageError("worker needs a module that it may carry out functions of");
  const threads = integer("threads", values.threads, 0);
  return {
    redis: values.redis,
    queue: name("queue", values.queue),
    prefix: name("prefix", values.prefix),
    threads,
    concurrency: integer("concurrency", values.concurrency ?? String(threads || 1), 1),
    lock: seconds("lock", values.lock, 0.1),
    deaths: integer("deaths", values.deaths, 1),
    grace: seconds("grace", values.grace, 0),
    patience: seconds("patience", values.patience, 0),
    allowSource: values["allow-source"],
    modules: positionals,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        redis: { type: "string", default: process.env.REDIS_URL || "redis://127.0.0.1:6379" },
        queue: { type: "string", default: "asyncio" },
        prefix: { type: "string", default: "bull" },
        concurrency: { type: "string" },
        threads: { type: "string", default: "0" },
        lock: { type: "string", default: "30" },
        deaths: { type: "string", default: "3" },
        grace: { type: "string", default: "10" },
        patience: { type: "string", default: "5" },
        "allow-source": { type: "boolean", default: false },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

function name(option: string, text: string): string {
  if (text !== "" && !text.includes(":")) return text;
  throw new UsageError(`--${option} must not be empty or contain a colon: ${text}`);
}

function integer(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${option} must be a whole number from ${least} on, not ${text}`);
}

/** No longer than Node's timers reach. */
function seconds(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= 2_000_000) return value;
  throw new UsageError(`--${option} must be a number of seconds from ${least} to 2000000, not ${text}`);
}
