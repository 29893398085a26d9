import { availableParallelism } from "node:os";
import { inspect } from "node:util";
import type { ResourceLimits } from "node:worker_threads";
import { BrokenThreadPool } from "../core/errors.ts";
import type { InitializerOptions } from "./options.ts";
import { PoolExecutor } from "./pool.ts";
import type { PoolWorker, WorkerListener } from "./pool-worker.ts";
import { WorkerThread } from "./worker-thread.ts";

export interface ThreadPoolExecutorOptions extends InitializerOptions {
  /** How many threads at the most; by default the number of processors and 4 more, but no more than 32. */
  maxWorkers?: number | null | undefined;
  /** How the names of the threads begin. */
  threadNamePrefix?: string | undefined;
  /**
   * The memory that each thread may use; Node's limits by default. One that needs more ends, and its job fails. What is new
   * must fit in beyond that for a moment, or the whole process ends: so keep `maxYoungGenerationSizeMb` small, too.
   */
  resourceLimits?: ResourceLimits | undefined;
}

let pools = 0;

/**
 * Carries out work in threads of this process. They start when they are needed, are used again, and do not keep the
 * process alive while nothing is to be done. Jobs begin in the order in which they are submitted.
 *
 * ```ts
 * await using pool = new ThreadPoolExecutor({ maxWorkers: 4 });
 * const digest = await pool.submit(work(import.meta, hash), "text");
 * ```
 *
 * Threads share no variables: arguments and results are copied, or moved, see `transfer`. If a thread ends in the middle of
 * a job, that fails with BrokenThreadPool, and another thread takes its place.
 * Python: `concurrent.futures.ThreadPoolExecutor`.
 */
export class ThreadPoolExecutor extends PoolExecutor {
  readonly #prefix: string;
  readonly #resourceLimits: ResourceLimits | undefined;
  #started = 0;

  /**
   * Throws ValueError if `maxWorkers` is not positive, or `initializer` cannot be sent to a thread; TypeError for options
   * of another type.
   */
  constructor({
    maxWorkers,
    threadNamePrefix,
    resourceLimits,
    ...initializer
  }: ThreadPoolExecutorOptions = {}) {
    super({ maxWorkers: maxWorkers ?? Math.min(32, availableParallelism() + 4), ...initializer });
    if (threadNamePrefix !== undefined && typeof threadNamePrefix !== "string") {
      throw new TypeError(`threadNamePrefix must be a string, not ${inspect(threadNamePrefix)}`);
    }
    this.#prefix = threadNamePrefix || `ThreadPoolExecutor-${pools++}`;
    this.#resourceLimits = resourceLimits;
  }

  protected override startWorker(listener: WorkerListener): PoolWorker {
    const name = `${this.#prefix}_${this.#started++}`;
    return new WorkerThread({ name, resourceLimits: this.#resourceLimits }, listener);
  }

  protected override brokenError(message: string, options: ErrorOptions): BrokenThreadPool {
    return new BrokenThreadPool(message, options);
  }
}
