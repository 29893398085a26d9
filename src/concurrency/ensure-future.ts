import { inspect } from "node:util";
import type { Awaitable, Suspension } from "../core/awaitables.ts";
import { isAwaitable, isThenable } from "../core/awaitables.ts";
import type { BaseEventLoop, CoroutineLike, TaskOptions } from "../core/base-events.ts";
import { type CoroutineBody, iscoroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Future, setResultUnlessDone } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";

/**
 * What the functions of this room wait for: a future or task, a coroutine, a promise, a generator, or a function of
 * either flavour that is yet to be called.
 */
export type Waitable<T = unknown> =
  | Awaitable<T>
  | PromiseLike<T>
  | Generator<Suspension, T, unknown>
  | (() => CoroutineBody<T>);

/** The type that waiting for `W` gives. */
export type ResultOf<W> =
  W extends Generator<Suspension, infer T, unknown>
    ? T
    : W extends PromiseLike<infer T>
      ? T
      : W extends () => infer B
        ? B extends Generator<Suspension, infer T, unknown>
          ? T
          : Awaited<B>
        : never;

/**
 * A future for `waitable`: a future or task is given back as it is, a coroutine or function becomes a task, and a
 * promise is followed by a new future.
 *
 * `await ensureFuture(promise)` makes the wait for a foreign promise interruptible: cancelling ends the wait, while
 * the work behind the promise goes on.
 *
 * Throws TypeError for anything else, ValueError if a future belongs to another loop than `loop`, RuntimeError if no
 * loop is given and none runs. Python: `asyncio.ensure_future`.
 */
export function ensureFuture<W extends Waitable>(
  waitable: W,
  options?: { loop?: BaseEventLoop },
): W extends Future<unknown> ? W : W extends Waitable ? Future<ResultOf<W>> : never;
export function ensureFuture(waitable: Waitable, options: { loop?: BaseEventLoop } = {}): Future<unknown> {
  if (waitable instanceof Future) {
    if (options.loop !== undefined && waitable.loop !== options.loop) {
      throw new ValueError(
        "The future belongs to a different loop than the one specified as the loop argument",
      );
    }
    return waitable;
  }
  const loop = options.loop ?? getRunningLoop();
  if (iscoroutine(waitable) || typeof waitable === "function")
    return loop.createTask(waitable as CoroutineLike<unknown>);
  if (isAwaitable(waitable)) return loop.createTask(() => waitable);
  if (isThenable(waitable)) return followPromise(waitable, loop);
  throw new TypeError(`An awaitable, a promise or a function is required, not ${inspect(waitable)}`);
}

/** @internal As {@link ensureFuture}, for each; one that is given twice is the same. But a function is called for each time. */
export function ensureFutures(waitables: Iterable<Waitable>, loop?: BaseEventLoop): Future<unknown>[] {
  const made = new Map<Waitable, Future<unknown>>();
  return Array.from(waitables, (waitable) => {
    const future = made.get(waitable) ?? (ensureFuture(waitable, loop && { loop }) as Future<unknown>);
    loop ??= future.loop;
    if (typeof waitable !== "function") made.set(waitable, future);
    return future;
  });
}

/** @internal Throws TypeError unless `value` is a collection: of futures, if that is what is `expected`. */
export function assertCollection(value: unknown, expected: string): void {
  const isOne = value instanceof Future || iscoroutine(value) || isThenable(value);
  const isCollection = !isOne && typeof Object(value)[Symbol.iterator] === "function";
  if (!isCollection) throw new TypeError(`a list of ${expected} was expected, not ${inspect(value)}`);
}

/** The promise's outcome after the wait was cancelled interests nobody, its failure included. */
function followPromise<T>(promise: PromiseLike<T>, loop: BaseEventLoop): Future<T> {
  const future = loop.createFuture<T>();
  promise.then(
    (value) => {
      setResultUnlessDone(future, value);
    },
    (error) => {
      if (!future.done()) future.setException(error);
    },
  );
  return future;
}

/**
 * Run a coroutine, or a function of either flavour, in a task of the running loop, from the next iteration on.
 *
 * `options.name` names the task, `options.context` is the context to run it in (by default a copy of the current
 * one), `options.eagerStart` runs its first step at once. Throws TypeError if given anything else (a promise above
 * all), RuntimeError if no loop runs or the coroutine was awaited before. Python: `asyncio.create_task`.
 */
export function createTask<T>(coroutine: CoroutineLike<T>, options: TaskOptions = {}): Task<T> {
  return getRunningLoop().createTask<T>(coroutine, options);
}
