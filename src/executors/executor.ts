import { Inspectable } from "../core/inspectable.ts";
import type { ConcurrentFuture } from "./futures.ts";
import { type IterablesOf, type MapOptions, MapResults, mapArguments } from "./map.ts";
import type { Work, WorkResult } from "./work.ts";

export interface ShutdownOptions {
  /** Whether to wait until all work is done and the workers have ended; true by default. */
  wait?: boolean | undefined;
  /** Whether to cancel the calls that have not begun, and to end workers that are still being initialized; false by default. */
  cancelFutures?: boolean | undefined;
  /** Seconds to wait at the longest; null, the default, for ever. What goes on then, the error says. */
  timeout?: number | null | undefined;
}

/** Several calls that were submitted: a future for each, or one for all results. */
export type Chunk<R> = readonly ConcurrentFuture<WorkResult<R>>[] | ConcurrentFuture<WorkResult<R>[]>;

/**
 * Carries out work elsewhere: in threads, in processes, on other machines. What `loop.runInExecutor` takes. To write one
 * of your own, have `submit` and `shutdown`. Python: `concurrent.futures.Executor`.
 */
export abstract class Executor extends Inspectable implements AsyncDisposable {
  /**
   * Have `work(...args)` carried out; gives a future for its result at once. Throws RuntimeError after {@link shutdown};
   * TypeError or ValueError if `work` cannot be sent to where it is to run. Python: `Executor.submit`.
   */
  abstract submit<A extends unknown[], R>(work: Work<A, R>, ...args: A): ConcurrentFuture<WorkResult<R>>;

  /**
   * Refuse new work from now on, let what was submitted be done, and end the workers. All that is begun by the call, not
   * by waiting for what it gives: that is done when all is. Can be repeated. Throws TypeError if `timeout` is no number,
   * ValueError if it is NaN; TimeoutError, which names the jobs that are left, comes by what it gives. Cancel safety: the
   * shutdown goes on. Python: `Executor.shutdown`.
   */
  abstract shutdown(options?: ShutdownOptions): ConcurrentFuture<void>;

  /**
   * Carry out `work` for each item of an iterable, or for the first items of each, the second ones, …, until the shortest
   * ends; gives the results in the order of the items. All is submitted by the call, unless `buffersize` limits it.
   *
   * ```ts
   * for await (const size of pool.map(resize, images)) console.log(size);
   * for await (const sum of pool.map((a: number, b: number) => a + b, [1, 2], [3, 4], { chunksize: 100 })) …
   * ```
   *
   * Iterating throws the error of a call at its place, and TimeoutError `timeout` seconds after the call of `map`. What has
   * not begun is cancelled when the iteration ends, however that is. Throws as {@link submit}; TypeError for what is not
   * iterable, TypeError or ValueError for options that make no sense. Python: `Executor.map`.
   */
  map<A extends unknown[], R>(
    work: Work<A, R>,
    ...args: [...IterablesOf<A>] | [...IterablesOf<A>, MapOptions]
  ): MapResults<WorkResult<R>> {
    const { calls, options } = mapArguments<A>(args);
    return new MapResults<WorkResult<R>>(calls, options, (chunk) =>
      this.submitChunk<A, R>(work, chunk as A[]),
    );
  }

  /** Have several calls carried out; at once, where that saves something. */
  protected submitChunk<A extends unknown[], R>(work: Work<A, R>, calls: readonly A[]): Chunk<R> {
    return calls.map((args) => this.submit<A, R>(work, ...args));
  }

  /** Shut down and wait, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  override toString(): string {
    return `<${this.constructor.name}>`;
  }
}
