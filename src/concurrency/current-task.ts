import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import { assertLoop, getRunningLoop } from "../core/events.ts";
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

/**
 * An AbortSignal that aborts when the current task is cancelled, with the CancelledError as its reason:
 * `fetch(url, { signal: currentSignal() })`. Throws RuntimeError outside of any task.
 */
export function currentSignal(): AbortSignal {
  const task = currentTask();
  if (task === null) throw new RuntimeError("currentSignal() must be called inside a task");
  return task.signal;
}
