import { AsyncLocalStorage } from "node:async_hooks";
import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import { assertLoop, getRunningLoop, runningLoop } from "../core/events.ts";
import { currentExecution } from "../core/execution.ts";
import type { Task } from "../core/tasks.ts";

/**
 * The task that runs now, or null in a plain callback. In an async function it is known behind foreign promises too.
 *
 * Throws RuntimeError if no `loop` is given and none runs, TypeError if it is no loop. Python: `asyncio.current_task`.
 */
export function currentTask(loop: BaseEventLoop = getRunningLoop()): Task<unknown> | null {
  assertLoop(loop);
  const task = currentExecution()?.task;
  return task && task.loop === loop && !task.done() ? task : null;
}

/** The tasks of `loop`, by default the running one, that are not done, oldest first. Throws RuntimeError as {@link currentTask}. Python: `asyncio.all_tasks`. */
export function allTasks(loop: BaseEventLoop = getRunningLoop()): Set<Task<unknown>> {
  assertLoop(loop);
  return new Set(loop.tasks);
}

/** @internal The signals of jobs that an executor's worker carries out: no task need be there, nor a loop. */
export const jobSignals = new AsyncLocalStorage<AbortSignal>();

/**
 * An AbortSignal that aborts when the current task is cancelled, with the CancelledError as its reason:
 * `fetch(url, { signal: currentSignal() })`. In a job that an executor carries out, outside of any task, it aborts when
 * the job's future is cancelled. Throws RuntimeError outside of both.
 */
export function currentSignal(): AbortSignal {
  const job = jobSignals.getStore();
  const task = job !== undefined && runningLoop() === null ? null : currentTask();
  const signal = task?.signal ?? job;
  if (signal === undefined) throw new RuntimeError("currentSignal() must be called inside a task");
  return signal;
}
