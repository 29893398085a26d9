import { inspect } from "node:util";
import { AwaitableObject, type Reject, type Resolve, type Suspension, WaitIterator } from "./awaitables.ts";
import type { BaseEventLoop } from "./base-events.ts";
import { isQuestion } from "./call-stacks.ts";
import type { Context } from "./contextvars.ts";
import { CreationStack, createdAt, sourceTraceback, untraced } from "./creation-stacks.ts";
import { CancelledError, InvalidStateError, isFatal, RuntimeError } from "./errors.ts";
import { assertLoop, currentLoop } from "./events.ts";
import { describeFunction } from "./format-helpers.ts";
import { type Callback, Handle, type Runnable } from "./handles.ts";
import type { Obligation } from "./obligations.ts";

export type FutureState = "pending" | "cancelled" | "finished";

/** No error, where an error may be any value at all, undefined included. */
export const NO_ERROR: unique symbol = Symbol("no error");

/** As {@link FutureState}, but for what it finished with. */
type State = "pending" | "cancelled" | "returned" | "failed";

/**
 * A result that is not there yet, bound to a loop. Unlike a promise it can be looked at, and cancelled; completing it
 * never runs a callback inline, the loop calls them in its next iteration, in the order they were added.
 *
 * `await future` and `yield* future` give the result or throw the error. **Cancel safety:** cancelling a task that
 * waits on a future cancels that future, and so everybody else who waits on it; use `shield` to prevent that.
 *
 * Python: `asyncio.Future`. Make one with `loop.createFuture()`.
 */
export class Future<T = unknown> extends AwaitableObject<T> {
  /** @internal */
  readonly loop: BaseEventLoop;
  /** @internal Where it was made, in debug mode; else that of the prototype, which takes no memory. */
  declare readonly sourceTraceback: CreationStack | null;
  /**
   * @internal Set by `yield*` just before the future is handed to the task, so that a bare `yield` is noticed. It stays
   * set on a task that awaited itself: as in CPython, nobody can await that any more.
   */
  blocking = false;
  /** @internal Whoever waits for this future waits for these: the call graph looks into it. Few have it. */
  declare members: Iterable<Future<unknown>> | null;
  #state: State = "pending";
  /** The result, or the error; of one that was cancelled the CancelledError that it was cancelled by, if there is one. */
  #outcome: unknown;
  /** @internal */
  cancelMessage: string | undefined;
  /** Mostly one, without the memory of an array. */
  #waiting: Runnable | Runnable[] | null = null;
  #unretrieved: Obligation | null = null;

  /** For `loop`, by default the running one, or the one that was installed. Throws RuntimeError if there is none. */
  constructor({ loop = currentLoop() }: { loop?: BaseEventLoop } = {}) {
    super();
    assertLoop(loop);
    this.loop = loop;
    if (loop.getDebug()) this.sourceTraceback = CreationStack.here();
  }

  static {
    untraced(Future);
    Object.assign(Future.prototype, { members: null });
  }

  /** The loop that the future belongs to. Python: `Future.get_loop`. */
  getLoop(): BaseEventLoop {
    return this.loop;
  }

  /** Whether there is a result or an error, or the future was cancelled. Python: `Future.done`. */
  done(): boolean {
    return this.#state !== "pending";
  }

  /** Whether the future was cancelled. Python: `Future.cancelled`. */
  cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /**
   * The result. Throws the error if there is one, CancelledError if the future was cancelled, InvalidStateError if it
   * is not done. The error then counts as retrieved. Python: `Future.result`.
   */
  result(): T {
    const error = this.takeError();
    if (error !== NO_ERROR) throw error;
    return this.#outcome as T;
  }

  /**
   * The error, or null if there is a result. Throws CancelledError if the future was cancelled, InvalidStateError if
   * it is not done. The error then counts as retrieved. Python: `Future.exception`.
   */
  exception(): unknown {
    const error = this.takeError();
    if (this.#state === "cancelled") throw error;
    return error === NO_ERROR ? null : error;
  }

  /**
   * Complete the future with a result. Throws InvalidStateError if it is done already, so check `done()` first where
   * it may have been cancelled meanwhile. Python: `Future.set_result`.
   */
  setResult(result: T): void {
    this.assertPending();
    this.finish(result);
  }

  /**
   * Complete the future with an error, or an error class to make one of. Throws InvalidStateError if it is done
   * already. An error that nobody retrieves is reported to the loop's exception handler. Python: `Future.set_exception`.
   */
  setException(exception: unknown): void {
    this.assertPending();
    this.fail(isErrorClass(exception) ? new exception() : exception);
  }

  /**
   * Cancel the future; whoever waits gets a CancelledError with `message`. Returns false if it was done already.
   * Python: `Future.cancel`.
   */
  cancel(message?: string): boolean {
    if (this.done()) return false;
    this.#state = "cancelled";
    this.cancelMessage = message;
    this.wakeAll();
    return true;
  }

  /**
   * Have the loop call `callback(future)` in the iteration after the future is done; if it is done, in the next one.
   * Runs in `context`, by default a copy of the current one. Python: `Future.add_done_callback`.
   */
  addDoneCallback(callback: (future: this) => unknown, options: { context?: Context } = {}): void {
    if (typeof callback !== "function") {
      throw new TypeError(`addDoneCallback needs a function, not ${inspect(callback)}`);
    }
    this.addWaiter(new Handle(callback as Callback, [this], this.loop, options.context));
  }

  /**
   * Take back every `addDoneCallback` of `callback`; returns how many there were. Those that the loop has queued
   * already still run. Python: `Future.remove_done_callback`.
   */
  removeDoneCallback(callback: (future: this) => unknown): number {
    return this.removeWaiters((waiter) => waiter.calls?.(callback) ?? false);
  }

  /**
   * @internal As {@link addDoneCallback}, for a callback of ours: it runs nothing of the program's, so it needs no context.
   * A handle would take five times as much memory.
   */
  observe(callback: (future: this) => void): void {
    this.addWaiter(new Observer(this, callback));
  }

  override [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    return new FutureIterator(this);
  }

  /** @internal Queue `waiter` when the future is done. */
  addWaiter(waiter: Runnable): void {
    if (this.done()) this.loop.enqueue(waiter);
    else if (this.#waiting === null) this.#waiting = waiter;
    else if (Array.isArray(this.#waiting)) this.#waiting.push(waiter);
    else this.#waiting = [this.#waiting, waiter];
  }

  /** @internal Take back {@link addWaiter}. */
  removeWaiter(waiter: Runnable): void {
    this.removeWaiters((other) => other === waiter);
  }

  /** @internal The error that a waiter gets, or NO_ERROR; it counts as retrieved. */
  takeError(): unknown {
    if (this.#state === "returned") return NO_ERROR;
    if (this.#state === "pending") throw new InvalidStateError("Result is not set.");
    if (this.#state === "cancelled") return this.makeCancelledError();
    this.retrieved();
    return this.#outcome;
  }

  /** @internal The error, or NO_ERROR, without a claim to have dealt with it. */
  get failure(): unknown {
    return this.#state === "failed" ? this.#outcome : NO_ERROR;
  }

  protected override settle(resolve: Resolve<T>, reject: Reject): void {
    if (this.done()) this.deliver(resolve, reject);
    else this.addWaiter({ run: () => this.deliver(resolve, reject), subject: this as Future<unknown> });
  }

  private deliver(resolve: Resolve<T>, reject: Reject): void {
    this.loop.promiseSettled();
    const error = this.takeError();
    if (error === NO_ERROR) resolve(this.#outcome as T);
    else reject(error);
  }

  protected finish(result: T): void {
    this.#outcome = result;
    this.#state = "returned";
    this.wakeAll();
  }

  protected fail(exception: unknown): void {
    this.#outcome = exception;
    this.#state = "failed";
    this.wakeAll();
    this.#unretrieved = this.loop.obligations.add(this, {
      message: `${this.constructor.name} exception was never retrieved`,
      exception,
      source: this.toString(),
      ...sourceTraceback(this.sourceTraceback),
    });
  }

  /** Cancelled by this very error: the first to ask gets it, as in CPython. */
  protected cancelBecause(error: CancelledError): void {
    if (Future.prototype.cancel.call(this)) this.#outcome = error;
  }

  /** @internal */
  makeCancelledError(): CancelledError {
    const error = this.#state === "cancelled" ? this.#outcome : undefined;
    if (error === undefined) return new CancelledError(this.cancelMessage);
    this.#outcome = undefined;
    return error as CancelledError;
  }

  /** Nobody needs to be told of the error: it is told elsewhere. */
  private retrieved(): void {
    this.#unretrieved?.settle();
    this.#unretrieved = null;
  }

  private assertPending(): void {
    if (this.done()) throw new InvalidStateError(`invalid state: ${this} is ${this.shownState}`);
  }

  private get shownState(): FutureState {
    return this.#state === "returned" || this.#state === "failed" ? "finished" : this.#state;
  }

  private wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (Array.isArray(waiting)) for (const waiter of waiting) this.loop.enqueue(waiter);
    else if (waiting !== null) this.loop.enqueue(waiting);
  }

  private waiters(): Runnable[] {
    return this.#waiting === null ? [] : [this.#waiting].flat();
  }

  /** Gives how many there were. */
  private removeWaiters(isOne: (waiter: Runnable) => boolean): number {
    const waiters = this.waiters();
    const others = waiters.filter((waiter) => !isOne(waiter));
    this.#waiting = others.length > 1 ? others : (others[0] ?? null);
    return waiters.length - others.length;
  }

  protected describe(): string[] {
    const parts: string[] = [this.shownState];
    if (this.#state === "returned") parts.push(`result=${brief(this.#outcome)}`);
    if (this.#state === "failed") parts.push(`exception=${brief(this.#outcome)}`);
    const waiters = this.waiters().length;
    if (waiters > 0) parts.push(`waiters=${waiters}`);
    return parts;
  }

  override toString(): string {
    const parts = [this.constructor.name, ...this.describe(), ...createdAt(this.sourceTraceback)];
    return `<${parts.join(" ")}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

class Observer<F extends Future<unknown>> implements Runnable {
  readonly #future: F;
  readonly #callback: (future: F) => void;

  constructor(future: F, callback: (future: F) => void) {
    this.#future = future;
    this.#callback = callback;
  }

  run(): void {
    try {
      this.#callback(this.#future);
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      const message = `Exception in callback ${describeFunction(this.#callback)}`;
      this.#future.loop.callExceptionHandler({ message, exception, future: this.#future });
    }
  }

  calls(callback: unknown): boolean {
    return this.#callback === callback;
  }
}

/** It is also what hands the future to the task: one object less for each wait. */
class FutureIterator<T> extends WaitIterator<T> {
  readonly value: Future<unknown>;
  /** False once the future was handed over; undefined before. */
  done: false | undefined;

  constructor(future: Future<T>) {
    super();
    this.value = future as Future<unknown>;
  }

  override next(): IteratorResult<Suspension, T> {
    const future = this.value as Future<T>;
    const suspended = this.done === false;
    if (suspended && isQuestion()) return this as IteratorYieldResult<Suspension>;
    if (future.done()) return { done: true, value: future.result() };
    if (suspended || future.blocking) throw new RuntimeError(`await wasn't used with future ${future}`);
    this.done = false;
    future.blocking = true;
    return this as IteratorYieldResult<Suspension>;
  }
}

/** @internal Complete a future, unless it was cancelled or completed meanwhile. */
export function setResultUnlessDone<T>(future: Future<T>, result: T): void {
  if (!future.done()) future.setResult(result);
}

/** Whether `value` is a Future or a Task. Python: `asyncio.isfuture`. */
export function isfuture(value: unknown): value is Future<unknown> {
  return value instanceof Future;
}

function isErrorClass(value: unknown): value is new () => Error {
  return typeof value === "function" && (value === Error || value.prototype instanceof Error);
}

function brief(value: unknown): string {
  if (value instanceof Error) return `${value.name}(${JSON.stringify(value.message)})`;
  if (typeof value === "function") return describeFunction(value);
  return inspect(value, { depth: 0, maxStringLength: 60, maxArrayLength: 4, breakLength: Infinity });
}
