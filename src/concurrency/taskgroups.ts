import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import type { BaseEventLoop, CoroutineLike, TaskOptions } from "../core/base-events.ts";
import { Coroutine, type CoroutineBody } from "../core/coroutines.ts";
import { CancelledError, cancellationOf, isFatal, RuntimeError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { exceptionGroup } from "../core/exception-groups.ts";
import { type Future, NO_ERROR } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";
import { currentTask } from "./current-task.ts";

/** created → open → closing (the body was left, children may still run and be added) → finished. */
type TaskGroupState = "created" | "open" | "closing" | "finished";

/**
 * Tasks that end together: leaving the body waits for all of them. When one fails, the others and the body are
 * cancelled, and all errors come out as one ExceptionGroup. Use {@link TaskGroup.run}. Python: `asyncio.TaskGroup`.
 */
export class TaskGroup {
  #state: TaskGroupState = "created";
  #loop: BaseEventLoop | null = null;
  #parent: Task<unknown> | null = null;
  #parentCancelRequested = false;
  #aborting = false;
  #allDone: Future<void> | null = null;
  readonly #tasks = new Set<Task<unknown>>();
  readonly #errors: unknown[] = [];
  #fatal: unknown = null;

  /**
   * Run `body` with a new group, and wait for the group's tasks. Gives what the body gives.
   *
   * ```ts
   * await TaskGroup.run(async (tg) => { tg.createTask(() => f(1)); tg.createTask(() => f(2)); });
   * ```
   *
   * Throws an ExceptionGroup of the errors of the tasks and the body, without cancellations; KeyboardInterrupt and
   * SystemExit come out as they are. RuntimeError outside of a task. Cancel safety: cancelling cancels all tasks of
   * the group, and waits for them. Python: `async with asyncio.TaskGroup()`.
   */
  static run<T>(body: (group: TaskGroup) => CoroutineBody<T>): Coroutine<T> {
    return new TaskGroup().run(body);
  }

  /** As the static `run`, for a group that was made before; once. */
  run<T>(body: (group: this) => CoroutineBody<T>): Coroutine<T> {
    return new Coroutine(() => this.#run(body), "TaskGroup");
  }

  *#run<T>(body: (group: this) => CoroutineBody<T>): Generator<Suspension, T, unknown> {
    this.#enter();
    let result: T | undefined;
    let failed = false;
    let error: unknown;
    try {
      result = yield* new Coroutine(() => body(this), body.name || "TaskGroup body");
    } catch (thrown) {
      failed = true;
      error = thrown;
    }
    yield* this.#exit(failed, error);
    return result as T;
  }

  /**
   * As `createTask`, in the group. Throws RuntimeError, and closes the coroutine, if the body has not begun, if the
   * group is finished, or if it is being cancelled. Python: `TaskGroup.create_task`.
   */
  createTask<T>(coroutine: CoroutineLike<T>, options: TaskOptions = {}): Task<T> {
    const refusal = this.#refusal();
    if (refusal !== null) {
      if (coroutine instanceof Coroutine) coroutine.close();
      throw new RuntimeError(`${this} ${refusal}`);
    }
    const task = this.#loop!.createTask<T>(coroutine, options);
    this.#tasks.add(task);
    task.addDoneCallback(() => this.#onTaskDone(task));
    return task;
  }

  #refusal(): string | null {
    if (this.#state === "created") return "has not been entered";
    if (this.#state === "finished" || (this.#state === "closing" && this.#tasks.size === 0))
      return "is finished";
    return this.#aborting ? "is shutting down" : null;
  }

  #enter(): void {
    if (this.#state !== "created") throw new RuntimeError(`${this} has already been entered`);
    this.#loop = getRunningLoop();
    this.#parent = currentTask();
    if (this.#parent === null) throw new RuntimeError(`${this} cannot determine the parent task`);
    this.#state = "open";
  }

  *#exit(failed: boolean, error: unknown) {
    this.#state = "closing";
    if (failed && isFatal(error)) this.#fatal ??= error;
    let cancellation = cancellationOf(error);
    if (failed && !this.#aborting) this.#abort();
    while (this.#tasks.size > 0) {
      this.#allDone ??= this.#loop!.createFuture<void>();
      try {
        yield* this.#allDone;
      } catch (thrown) {
        if (!(thrown instanceof CancelledError)) throw thrown;
        if (!this.#aborting) {
          cancellation = thrown;
          this.#abort();
        }
      }
      this.#allDone = null;
    }
    this.#state = "finished";
    if (this.#fatal !== null) throw this.#fatal;
    if (this.#parentCancelRequested && this.#parent!.uncancel() === 0) cancellation = null;
    if (cancellation !== null && this.#errors.length === 0) throw cancellation;
    if (failed && cancellationOf(error) === null) this.#errors.push(error);
    if (this.#errors.length > 0) this.#throwErrors();
  }

  /** A cancellation from outside must not be lost behind the errors: it is armed again, the count stays the same. */
  #throwErrors(): never {
    const parent = this.#parent!;
    if (parent.cancelling() > 0) {
      parent.uncancel();
      parent.cancel();
    }
    throw exceptionGroup("unhandled errors in a TaskGroup", this.#errors);
  }

  #abort(): void {
    this.#aborting = true;
    for (const task of this.#tasks) if (!task.done()) task.cancel();
  }

  #onTaskDone(task: Task<unknown>): void {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0 && this.#allDone !== null && !this.#allDone.done()) {
      this.#allDone.setResult(undefined);
    }
    if (task.cancelled()) return;
    const exception = task.takeError();
    if (exception === NO_ERROR) return;
    this.#errors.push(exception);
    if (isFatal(exception)) this.#fatal ??= exception;
    if (this.#parent!.done()) {
      this.#loop!.callExceptionHandler({
        message: `${task} has errored out but its parent task ${this.#parent} is already completed`,
        exception,
        task,
      });
    } else if (!this.#aborting && !this.#parentCancelRequested) {
      this.#abort();
      this.#parentCancelRequested = true;
      this.#parent!.cancel();
    }
  }

  toString(): string {
    const parts = [`tasks=${this.#tasks.size}`, `errors=${this.#errors.length}`];
    return `<TaskGroup ${this.#aborting ? "cancelling " : ""}${this.#state} ${parts.join(" ")}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
