export { type AsCompletedIterator, asCompleted } from "./concurrency/as-completed.ts";
export { allTasks, currentSignal, currentTask } from "./concurrency/current-task.ts";
export { createTask, ensureFuture, type ResultOf, type Waitable } from "./concurrency/ensure-future.ts";
export { type GatherOptions, gather } from "./concurrency/gather.ts";
export { shield } from "./concurrency/shield.ts";
export { sleep } from "./concurrency/sleep.ts";
export { TaskGroup } from "./concurrency/taskgroups.ts";
export { Timeout, timeout, timeoutAt } from "./concurrency/timeouts.ts";
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  type WaitOptions,
  wait,
} from "./concurrency/wait.ts";
export { waitFor } from "./concurrency/wait-for.ts";
export { type AsyncGen, asyncGenerator } from "./core/asyncgens.ts";
export type { Awaitable, Suspension } from "./core/awaitables.ts";
export {
  BaseEventLoop,
  type ContextOption,
  type CoroutineLike,
  type TaskFactory,
  type TaskOptions,
} from "./core/base-events.ts";
export { Context, ContextVar, copyContext, Token } from "./core/contextvars.ts";
export {
  Coroutine,
  type CoroutineBody,
  type CoroutineFunction,
  coroutine,
  iscoroutine,
  iscoroutinefunction,
} from "./core/coroutines.ts";
export type { Driver } from "./core/driver.ts";
export * from "./core/errors.ts";
export { getRunningLoop } from "./core/events.ts";
export type { ExceptionContext, ExceptionHandler } from "./core/exception-context.ts";
export { Future, isfuture } from "./core/futures.ts";
export { Handle, TimerHandle } from "./core/handles.ts";
export { Task } from "./core/tasks.ts";
export { Event, Guard, Lock } from "./sync/locks.ts";
export { Queue } from "./sync/queues.ts";
