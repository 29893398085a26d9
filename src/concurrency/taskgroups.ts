import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import type { BaseEventLoop, CoroutineLike, TaskOptions } from "../core/base-events.ts";
import { assertBody, Coroutine, type CoroutineBody, toCoroutine } from "../core/coroutines.ts";
import {
  CancelledError,
  cancellationOf,
  GeneratorExit,
  isFatal,
  RuntimeError,
  ValueError,
} from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { exceptionGroup } from "../core/exception-groups.ts";
import { type Future, NO_ERROR } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Task } from "../core/tasks.ts";
import { currentTask } from "./current-task.ts";
import { Places } from "./places.ts";

export interface TaskGroupOptions {
  /**
   * How many tasks of the group run at the same time; by default all. The others are tasks already, with names and to
   * be cancelled, but nothing of them runs before there is room; who came first goes first.
   *
   * **Deadlock:** a running task that waits for one that has no room yet waits for ever, if all who run do so. With a
   * limit, the tasks of a group should not wait for each other, nor for tasks that they add to it.
   */
  limit?: number | undefined;
}

/** created → open → closing (the body was left, children may still run and be added) → finished. */
type TaskGroupState = "created" | "open" | "closing" | "finished";

/**
 * Tasks that end together: leaving the body waits for all of them. When one fails, the others and the body are
 * cancelled, and all errors come out as one ExceptionGroup. Use {@link TaskGroup.run}. Python: `asyncio.TaskGroup`.
 */
export class TaskGroup extends Inspectable {
  #state: TaskGroupState = "created";
  #loop: BaseEventLoop | null = null;
  #parent: Task<unknown> | null = null;
  #parentCancelRequested = false;
  #cancelOnEnter = false;
  #aborting = false;
  #allDone: Future<void> | null = null;
  readonly #tasks = new Set<Task<unknown>>();
  readonly #errors: unknown[] = [];
  #fatal: unknown = null;
  readonly #limit: number | undefined;
  readonly #places: Places | null;

  /** Throws TypeError if `limit` is not a number, ValueError if it is not a positive integer. */
  constructor({ limit }: TaskGroupOptions = {}) {
    super();
    if (limit !== undefined) assertLimit(limit);
    this.#limit = limit;
    this.#places = limit === undefined ? null : new Places(limit);
  }

  /**
   * Run `body` with a new group, and wait for the group's tasks. Gives what the body gives; undefined, whatever the
   * type says, if {@link cancel} cut the body short.
   *
   * ```ts
   * await TaskGroup.run(async (tg) => { tg.createTask(() => f(1)); tg.createTask(() => f(2)); });
   * ```
   *
   * Throws an ExceptionGroup of the errors of the tasks and the body, without cancellations; KeyboardInterrupt and
   * SystemExit come out as they are, and the errors of tasks beside them go to the exception handler. RuntimeError
   * outside of a task; for `options` as the constructor. Cancel safety: cancelling cancels all tasks of the group, and
   * waits for them. Python: `async with asyncio.TaskGroup()`.
   */
  static run<T>(body: (group: TaskGroup) => CoroutineBody<T>, options: TaskGroupOptions = {}): Coroutine<T> {
    return new TaskGroup(options).run(body);
  }

  /** As the static `run`, for a group that was made before; once. */
  run<T>(body: (group: this) => CoroutineBody<T>): Coroutine<T> {
    assertBody(body);
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
    const task = this.#makeTask<T>(coroutine, options);
    this.#tasks.add(task);
    task.observe(this.#onTaskDone);
    // An eager task may have cancelled the group before it belonged to it.
    if (this.#aborting) task.cancel();
    return task;
  }

  /**
   * Cancel all tasks of the group that are not done, and the body. The group then ends as if they had come to their
   * end: {@link run} throws no CancelledError, unless the task that runs it was cancelled by others too. Errors of the
   * tasks still come out.
   *
   * Called before the body has begun, it cancels the group as soon as it begins: the body then runs to its first wait.
   * Does nothing if the group is being cancelled or is finished. Python: `TaskGroup.cancel`.
   */
  cancel(): void {
    if (this.#state === "created") this.#cancelOnEnter = true;
    else if (!this.#isFinished()) this.#cancelAll();
  }

  #makeTask<T>(coroutine: CoroutineLike<T>, options: TaskOptions): Task<T> {
    const loop = this.#loop!;
    if (this.#places === null) return loop.createTask<T>(coroutine, options);
    const admitted = this.#places.admit(toCoroutine<T>(coroutine), loop);
    try {
      return loop.createTask<T>(admitted, options);
    } catch (error) {
      admitted.finished();
      throw error;
    }
  }

  #refusal(): string | null {
    if (this.#state === "created") return "has not been entered";
    if (this.#isFinished()) return "is finished";
    return this.#aborting ? "is shutting down" : null;
  }

  #isFinished(): boolean {
    return this.#state === "finished" || (this.#state === "closing" && this.#tasks.size === 0);
  }

  #enter(): void {
    if (this.#state !== "created") throw new RuntimeError(`${this} has already been entered`);
    this.#loop = getRunningLoop();
    this.#parent = currentTask();
    if (this.#parent === null) throw new RuntimeError(`${this} cannot determine the parent task`);
    this.#state = "open";
    if (this.#cancelOnEnter) this.cancel();
  }

  *#exit(failed: boolean, error: unknown) {
    this.#state = "closing";
    if (failed && isFatal(error)) this.#fatal ??= error;
    if (failed && !this.#aborting) this.#abort();
    const late = yield* this.#waitForTasks();
    this.#state = "finished";
    if (this.#fatal !== null) this.#throwFatal();
    const onlyOurs = this.#parentCancelRequested && this.#parent!.uncancel() === 0;
    const cancellation = onlyOurs ? null : (cancellationOf(error) ?? late);
    if (failed && cancellationOf(error) === null) this.#errors.push(error);
    if (this.#errors.length > 0) this.#throwErrors(error);
    if (cancellation !== null) throw cancellation;
  }

  /**
   * However often the parent is cancelled meanwhile. Gives the cancellation that made the group abort, else the last
   * one.
   */
  *#waitForTasks() {
    let first: CancelledError | null = null;
    let last: CancelledError | null = null;
    while (this.#tasks.size > 0) {
      this.#allDone ??= this.#loop!.createFuture<void>();
      this.#allDone.members = this.#tasks;
      try {
        yield* this.#allDone;
      } catch (thrown) {
        if (!(thrown instanceof CancelledError)) throw thrown;
        last = thrown;
        if (!this.#aborting) {
          first = thrown;
          this.#abort();
        }
      }
      this.#allDone = null;
    }
    return first ?? last;
  }

  #throwFatal(): never {
    for (const exception of this.#errors) {
      if (exception === this.#fatal) continue;
      this.#loop!.callExceptionHandler({
        message: "error of a task that its TaskGroup could not throw, because the program is to end",
        exception,
        taskGroup: this,
      });
    }
    throw this.#fatal;
  }

  /** A cancellation from outside must not be lost behind the errors: it is armed again, the count stays the same. */
  #throwErrors(ofBody: unknown): never {
    const parent = this.#parent!;
    if (parent.cancelling() > 0) {
      parent.uncancel();
      parent.cancel();
    }
    // Whoever closes a coroutine expects its GeneratorExit back.
    if (this.#errors.length === 1 && ofBody instanceof GeneratorExit) throw ofBody;
    throw exceptionGroup("unhandled errors in a TaskGroup", this.#errors);
  }

  #abort(): void {
    this.#aborting = true;
    for (const task of this.#tasks) if (!task.done()) task.cancel();
  }

  #cancelAll(): void {
    if (this.#aborting) return;
    this.#abort();
    this.#parentCancelRequested = true;
    this.#parent!.cancel();
  }

  readonly #onTaskDone = (task: Task<unknown>): void => {
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
    } else {
      this.#cancelAll();
    }
  };

  override toString(): string {
    const parts = [`tasks=${this.#tasks.size}`, `errors=${this.#errors.length}`];
    if (this.#places !== null) parts.push(`limit=${this.#limit}`, `waiting=${this.#places.waiting}`);
    return `<TaskGroup ${this.#aborting ? "cancelling " : ""}${this.#state} ${parts.join(" ")}>`;
  }
}

function assertLimit(limit: unknown): void {
  if (typeof limit !== "number") throw new TypeError(`limit must be a number, not ${inspect(limit)}`);
  if (!Number.isInteger(limit) || limit < 1)
    throw new ValueError(`limit must be a positive integer, not ${limit}`);
}
