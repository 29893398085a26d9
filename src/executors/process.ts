import { availableParallelism } from "node:os";
import { BrokenProcessPool } from "../core/errors.ts";
import type { InitializerOptions } from "./options.ts";
import { PoolExecutor } from "./pool.ts";
import type { PoolWorker, WorkerListener } from "./pool-worker.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface ProcessPoolExecutorOptions extends InitializerOptions {
  /** How many processes at the most; by default the number of processors. */
  maxWorkers?: number | null | undefined;
  /** How many jobs a process carries out before it is replaced by a new one; null, the default, for any number. */
  maxTasksPerChild?: number | null | undefined;
  /** The environment of the processes; by default that of this one. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Node's flags for the processes, such as `--max-old-space-size=100`; by default those of this one. */
  execArgv?: readonly string[] | undefined;
}

/**
 * Carries out work in processes of their own. They start when they are needed, are used again, do not keep this process
 * alive while nothing is to be done, and end when it ends, however that is. Ctrl-C does not end them, so that a program
 * that handles it can let them finish. Jobs begin in the order in which they are submitted.
 *
 * Arguments and results are copied: what `structuredClone` takes, but for what only threads can share. If a process ends in
 * the middle of a job, that fails with BrokenProcessPool, and another process takes its place.
 * Python: `concurrent.futures.ProcessPoolExecutor`.
 */
export class ProcessPoolExecutor extends PoolExecutor {
  readonly #env: NodeJS.ProcessEnv | undefined;
  readonly #execArgv: readonly string[] | undefined;

  /**
   * Throws ValueError if `maxWorkers` or `maxTasksPerChild` is not positive, or `initializer` cannot be sent to a process;
   * TypeError for options of another type.
   */
  constructor({
    maxWorkers,
    maxTasksPerChild,
    env,
    execArgv,
    ...initializer
  }: ProcessPoolExecutorOptions = {}) {
    super({
      maxWorkers: maxWorkers ?? availableParallelism(),
      maxTasksPerChild: maxTasksPerChild ?? null,
      ...initializer,
    });
    this.#env = env;
    this.#execArgv = execArgv;
  }

  /**
   * End all processes with SIGTERM, and shut down. Jobs that run fail with BrokenProcessPool, those that have not begun
   * are cancelled. Python: `ProcessPoolExecutor.terminate_workers`.
   */
  terminateWorkers(): void {
    this.endWorkers("SIGTERM");
  }

  /** As {@link terminateWorkers}, with SIGKILL. Python: `ProcessPoolExecutor.kill_workers`. */
  killWorkers(): void {
    this.endWorkers("SIGKILL");
  }

  protected override startWorker(listener: WorkerListener): PoolWorker {
    return new WorkerProcess({ env: this.#env, execArgv: this.#execArgv }, listener);
  }

  protected override brokenError(message: string, options: ErrorOptions): BrokenProcessPool {
    return new BrokenProcessPool(message, options);
  }
}
