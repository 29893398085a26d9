import { isQuestion } from "./call-stacks.ts";
import { currentExecution } from "./execution.ts";
import type { Future } from "./futures.ts";
import type { StackFrame } from "./stack-frames.ts";

/**
 * Anything of ours that can be waited for: `await x` in an async function, `yield* x` in a generator.
 * Futures, tasks and coroutines are awaitables, and every waiting function of this library returns one.
 */
export interface Awaitable<T> extends PromiseLike<T> {
  [Symbol.iterator](): Iterator<Suspension, T, unknown>;
}

/**
 * What a coroutine hands to its task when it cannot go on: the future it waits for, a promise, or nothing, which
 * gives up one turn of the loop. Only `yield*` of an awaitable makes one; the type is named for annotations.
 */
export type Suspension = Future<unknown> | ForeignIterator<unknown> | undefined;

/** How a promise is settled. */
export type Resolve<T> = (value: T) => void;
export type Reject = (error: unknown) => void;

/**
 * What futures and coroutines share: the face of a promise, without being one (awaiting a subclass of Promise costs
 * three times as much as awaiting a plain thenable).
 *
 * JavaScript calls `then` when an async function awaits us: that is how a task learns what it waits for.
 */
export abstract class AwaitableObject<T> implements Awaitable<T>, Promise<T> {
  abstract [Symbol.iterator](): Iterator<Suspension, T, unknown>;

  /** Settle a promise in plain code, where no task waits. */
  protected abstract settle(resolve: Resolve<T>, reject: Reject): void;

  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const execution = currentExecution();
    const task = execution?.task;
    if (task && !task.done()) return task.waitInside<T, R | E>(this, execution, onFulfilled, onRejected);
    return new Promise<T>((resolve, reject) => this.settle(resolve, reject)).then(onFulfilled, onRejected);
  }

  catch<E = never>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<T | E> {
    return this.then(null, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return this.constructor.name;
  }
}

/** How the end of a coroutine reaches whoever waits for it. */
export interface Outcome {
  returned(value: unknown): void;
  threw(error: unknown): void;
  /** The stack of whoever waits, innermost frame first. */
  stack(): StackFrame[];
}

/** Whether `value` is an object with a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return hasMethod(value, "then");
}

/** Whether `value` can be waited for with both `await` and `yield*`. */
export function isAwaitable(value: unknown): value is Awaitable<unknown> {
  return isThenable(value) && hasMethod(value, Symbol.iterator);
}

/**
 * Whether `value` is a generator object: the body of a coroutine. Every generator function gives its objects a
 * prototype of their own, so looking for their methods would be slow.
 */
export function isGenerator(value: unknown): value is Generator<Suspension, unknown, unknown> {
  return Object.prototype.isPrototypeOf.call(GeneratorPrototype, value as object);
}

const GeneratorPrototype: object = Object.getPrototypeOf(function* () {}).prototype;

function hasMethod<K extends PropertyKey>(value: unknown, name: K): value is Record<K, () => unknown> {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  return typeof (value as Record<K, unknown>)[name] === "function";
}

/**
 * What `yield*` drives where nothing of its own is to be done after the wait. It has no fields: with some, a subclass takes
 * three times as long to make.
 */
export abstract class WaitIterator<T> implements Iterator<Suspension, T, unknown> {
  abstract next(value?: unknown): IteratorResult<Suspension, T>;

  throw(error: unknown): IteratorResult<Suspension, T> {
    throw error;
  }

  return(value: T): IteratorResult<Suspension, T> {
    return { done: true, value };
  }
}

/** Waits for a promise that is not ours; what it hands to the task is itself. */
export class ForeignIterator<T> extends WaitIterator<T> {
  readonly promise: PromiseLike<T>;
  #suspended = false;

  constructor(promise: PromiseLike<T>) {
    super();
    this.promise = promise;
  }

  override next(value?: unknown): IteratorResult<Suspension, T> {
    if (this.#suspended && !isQuestion()) return { done: true, value: value as T };
    this.#suspended = true;
    return { done: false, value: this as ForeignIterator<unknown> };
  }
}

/** What says that a turn of the loop is given up: always the same, as there is nothing more to say. */
const TURN: IteratorYieldResult<undefined> = Object.freeze({ done: false, value: undefined });

/** Gives up one turn of the loop. */
export class TurnIterator<T> extends WaitIterator<T> {
  readonly #result: T;
  #suspended = false;

  constructor(result: T) {
    super();
    this.#result = result;
  }

  override next(): IteratorResult<Suspension, T> {
    if (this.#suspended && !isQuestion()) return { done: true, value: this.#result };
    this.#suspended = true;
    return TURN;
  }
}
