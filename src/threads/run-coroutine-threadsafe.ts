import type { Suspension } from "../core/awaitables.ts";
import { BaseEventLoop } from "../core/base-events.ts";
import { type Coroutine, iscoroutine } from "../core/coroutines.ts";
import { describeValue } from "../core/format-helpers.ts";
import { NO_ERROR } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";
import { ConcurrentFuture } from "../executors/futures.ts";
import type { Work, WorkResult } from "../executors/work.ts";
import { RemoteLoop } from "./remote-loop.ts";

/**
 * Run a coroutine in a loop that is not the running one, and give a future for its outcome; cancelling that cancels the
 * coroutine's task.
 *
 * - For a {@link RemoteLoop}, a loop in another thread: `work(...args)` is called there, and run as a task. `result(timeout)`
 *   of the future blocks a worker's thread; the main thread has to await it. Results and errors are sent back.
 * - For a loop of this thread: a coroutine object. The future can be awaited where no loop is, or another one.
 *
 * Throws TypeError for what is no coroutine, no loop, or cannot be sent; ValueError for work that cannot be sent;
 * RuntimeError if the loop is closed or its thread has ended. When that comes later, it is the future's error. Python:
 * `asyncio.run_coroutine_threadsafe`.
 */
export function runCoroutineThreadsafe<T>(
  coroutine: Coroutine<T> | Generator<Suspension, T, unknown>,
  loop: BaseEventLoop,
): ConcurrentFuture<T>;
export function runCoroutineThreadsafe<A extends unknown[], R>(
  work: Work<A, R>,
  loop: RemoteLoop,
  ...args: A
): ConcurrentFuture<WorkResult<R>>;
export function runCoroutineThreadsafe(
  what: unknown,
  loop: BaseEventLoop | RemoteLoop,
  ...args: unknown[]
): ConcurrentFuture {
  if (loop instanceof RemoteLoop) return loop.runCoroutine(what as Work<unknown[]>, args);
  if (!(loop instanceof BaseEventLoop)) {
    throw new TypeError(`a loop, or a RemoteLoop, was expected, not ${describeValue(loop)}`);
  }
  if (!iscoroutine(what)) throw new TypeError(`a coroutine was expected, not ${describeValue(what)}`);
  const future = new ConcurrentFuture();
  loop.callSoonThreadsafe(begin, loop, what, future);
  return future;
}

function begin(
  loop: BaseEventLoop,
  coroutine: Coroutine<unknown> | Generator<Suspension, unknown, unknown>,
  future: ConcurrentFuture,
): void {
  try {
    const task = loop.createTask(coroutine);
    task.addDoneCallback(() => report(task, future));
    future.addDoneCallback(() => {
      if (future.cancelled() && !loop.isClosed()) loop.callSoonThreadsafe(() => task.cancel());
    });
  } catch (error) {
    if (future.setRunningOrNotifyCancel()) future.setException(error);
    throw error;
  }
}

function report(task: Task<unknown>, future: ConcurrentFuture): void {
  const error = task.takeError();
  if (future.done()) return;
  if (task.cancelled()) future.cancel();
  else if (error === NO_ERROR) future.setResult(task.result());
  else future.setException(error);
}
