import { constants } from "node:os";
import { assertAddress } from "../executors/bullmq/connection.ts";
import { QueueWorker } from "../executors/bullmq/worker.ts";
import { ThreadPoolExecutor } from "../executors/thread.ts";
import { getRunningLoop, run } from "../run.ts";
import type { Command } from "./command-line.ts";
import { inLoop, inThreads } from "./perform.ts";
import { UsageError } from "./usage-error.ts";
import { loadModules } from "./worker-modules.ts";
import { help, parseWorkerArguments, type WorkerArguments } from "./worker-options.ts";

/** `asyncio-ts worker`. */
export const worker: Command = {
  help,
  async run(args) {
    const options = parseWorkerArguments(args);
    checkAddress(options.redis);
    return await run(() => work(options));
  },
};

async function work(options: WorkerArguments): Promise<number> {
  const { queue, threads, grace, patience, allowSource } = options;
  const modules = await loadModules(options.modules, allowSource);
  await using pool = threads === 0 ? null : new ThreadPoolExecutor({ maxWorkers: threads });
  const perform = pool === null ? inLoop(getRunningLoop()) : inThreads(pool, patience);
  // The pool ends a thread in time; so there is a job to wait for a little longer.
  const worker = new QueueWorker({
    ...options,
    patience: patience + (pool === null ? 0 : 5),
    modules,
    perform,
  });
  const stopped = whenToldToStop();
  worker.start().then(() => console.log(`ready: queue ${queue}, modules ${modules.names.join(", ")}`), fail);
  const signal = await stopped;
  console.log(`${signal}: jobs that run have ${grace} s to end`);
  await worker.stop(grace);
  return 0;
}

/** The first signal; a second one exits at once. */
function whenToldToStop(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const loop = getRunningLoop();
  let isSecond = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    loop.addSignalHandler(signal, () => {
      if (isSecond) process.exit(128 + constants.signals[signal]);
      isSecond = true;
      resolve(signal);
    });
  }
  return promise;
}

function checkAddress(redis: string): void {
  try {
    assertAddress(redis);
  } catch (error) {
    throw new UsageError(error instanceof Error ? `--redis: ${error.message}` : String(error));
  }
}

function fail(error: unknown): void {
  console.error("asyncio-ts worker: cannot start:", error);
  process.exit(1);
}
