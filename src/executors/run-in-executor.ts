import { ensureFuture } from "../concurrency/ensure-future.ts";
import { isThenable } from "../core/awaitables.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { NotImplementedError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { describeValue } from "../core/format-helpers.ts";
import { Future } from "../core/futures.ts";
import { ConcurrentFuture } from "./futures.ts";
import { portable, type Work, type WorkResult } from "./work.ts";
import { wrapFuture } from "./wrap-future.ts";

/** Whatever has `submit`: what it gives is a future, or can at least be awaited. Python: an `Executor`. */
export interface Submitter {
  submit<A extends unknown[], R>(
    work: Work<A, R>,
    ...args: A
  ): ConcurrentFuture<WorkResult<R>> | PromiseLike<WorkResult<R>>;
}

/** The work of `loop.runInExecutor`. */
export function runInExecutor<A extends unknown[], R>(
  loop: BaseEventLoop,
  executor: Submitter,
  work: Work<A, R>,
  args: A,
): Future<WorkResult<R>> {
  if (typeof executor?.submit !== "function") {
    throw new TypeError(
      `an executor, which has submit(), or null was expected, not ${describeValue(executor)}`,
    );
  }
  const submitted: unknown = executor.submit(work, ...args);
  if (submitted instanceof ConcurrentFuture || submitted instanceof Future)
    return wrapFuture(submitted, { loop });
  if (isThenable(submitted)) return ensureFuture(submitted as PromiseLike<WorkResult<R>>, { loop });
  throw new TypeError(`submit() of an executor gave ${describeValue(submitted)}, which is no future`);
}

/** What `toThread` needs of a loop. */
interface ExecutorLoop extends BaseEventLoop {
  runInExecutor<A extends unknown[], R>(executor: null, work: Work<A, R>, ...args: A): Future<WorkResult<R>>;
}

/**
 * Carry out `work(...args)` in a thread, by the default executor of the running loop, and give its result or throw its
 * error. It is a coroutine: nothing begins before it is awaited.
 *
 * `work` is a function that needs nothing of its surroundings, or is named by `work()`: see {@link Work}. Context variables
 * and AsyncLocalStorages stay here: threads share no variables. Throws, at the call, TypeError or ValueError for work that
 * cannot be sent to a thread; when awaited, what `loop.runInExecutor` throws, and RuntimeError if no loop runs.
 *
 * Cancel safety: work that has not begun is dropped; the signal of work that runs aborts, and if it does not heed that it
 * goes on. Python: `asyncio.to_thread`.
 */
export function toThread<A extends unknown[], R>(work: Work<A, R>, ...args: A): Coroutine<WorkResult<R>> {
  portable(work);
  return new Coroutine(() => getExecutorLoop().runInExecutor(null, work, ...args), "toThread");
}

function getExecutorLoop(): ExecutorLoop {
  const loop = getRunningLoop() as BaseEventLoop & Partial<ExecutorLoop>;
  if (typeof loop.runInExecutor === "function") return loop as ExecutorLoop;
  throw new NotImplementedError(`${loop} has no executor: run the program with run(), or in an EventLoop`);
}
