import { inspect } from "node:util";
import type { BaseEventLoop, TaskFactory, TaskOptions } from "../core/base-events.ts";
import type { Coroutine } from "../core/coroutines.ts";
import { Task } from "../core/tasks.ts";

/** What makes a task: `Task`, or a class of your own that extends it. */
export type TaskConstructor = new <T>(
  coroutine: Coroutine<T>,
  options: TaskOptions & { loop: BaseEventLoop },
) => Task<T>;

/**
 * A task factory whose tasks, of the class `TaskClass`, begin at once: see {@link eagerTaskFactory}. Throws TypeError
 * if that is no class. Python: `asyncio.create_eager_task_factory`.
 */
export function createEagerTaskFactory(TaskClass: TaskConstructor): TaskFactory {
  if (typeof TaskClass !== "function") {
    throw new TypeError(`a class of tasks was expected, not ${inspect(TaskClass)}`);
  }
  return (loop, coroutine, options) => new TaskClass(coroutine, { loop, eagerStart: true, ...options });
}

/**
 * For `loop.setTaskFactory`: the first step of a task runs inside of `createTask`, as a part of the new task. What does
 * not have to wait is done on return, without a turn of the loop; an async function, whose end JavaScript tells later,
 * a moment after. `eagerStart: false` makes an exception. Python: `asyncio.eager_task_factory`.
 */
export const eagerTaskFactory: TaskFactory = createEagerTaskFactory(Task);
