import { inspect } from "node:util";
import { AwaitableObject, type Reject, type Resolve, type Suspension } from "../core/awaitables.ts";
import { assertCallback, assertSeconds } from "../core/callback-arguments.ts";
import { CancelledError, InvalidStateError, isFatal, RuntimeError, TimeoutError } from "../core/errors.ts";
import { NO_ERROR } from "../core/futures.ts";
import { logger } from "../core/log.ts";
import { wrapFuture } from "./wrap-future.ts";

/** Of whatever future it is: so one of numbers is also one of unknown values. */
type Callback = (future: never) => unknown;

type ConcurrentFutureState = "pending" | "running" | "cancelled" | "finished";

/**
 * The result of a call that runs elsewhere: in another thread, process or machine. It belongs to no loop. What `submit`
 * and `runCoroutineThreadsafe` give.
 *
 * `await future` and `yield* future` give the result or throw the error, in tasks and in plain code. **Cancel safety:**
 * cancelling a task that waits on it cancels it, as {@link cancel} does; use `shield(wrapFuture(future))` to prevent that.
 *
 * Python: `concurrent.futures.Future`, which cannot be awaited but blocks. JavaScript can block in few places only: see
 * {@link result}.
 */
export class ConcurrentFuture<T = unknown> extends AwaitableObject<T> {
  #state: ConcurrentFutureState = "pending";
  #result: T | undefined;
  #exception: unknown = NO_ERROR;
  #callbacks: Callback[] = [];

  /** Whether there is a result or an error, or the future was cancelled. Python: `Future.done`. */
  done(): boolean {
    return this.#state === "finished" || this.#state === "cancelled";
  }

  /** Whether the call is being carried out, or done with and not yet back. Python: `Future.running`. */
  running(): boolean {
    return this.#state === "running";
  }

  /** Whether the future was cancelled. Python: `Future.cancelled`. */
  cancelled(): boolean {
    return this.#state === "cancelled";
  }

  /**
   * Cancel the call if it has not begun. Returns whether it is cancelled; false means that it runs, and cannot be stopped
   * by this, or is done. What may be done about one that runs, the executor says. Python: `Future.cancel`.
   */
  cancel(): boolean {
    if (this.#state === "running") this.cancelRunning();
    if (this.#state === "pending") this.#finish("cancelled");
    return this.cancelled();
  }

  /** Somebody wants a call to end that runs. Where that can be asked for, an executor overrides this. */
  protected cancelRunning(): void {}

  /**
   * The result. Throws the error if there is one, CancelledError if the future was cancelled.
   *
   * One that is not done blocks this thread for at most `timeout` seconds (null: without limit), then throws TimeoutError.
   * Where nothing could complete the future while this thread is blocked, RuntimeError is thrown at once: await it
   * there. Python: `Future.result`.
   */
  result(timeout: number | null = null): T {
    this.#waitBlocking(timeout);
    if (this.#state === "cancelled") throw new CancelledError();
    if (this.#exception !== NO_ERROR) throw this.#exception;
    return this.#result as T;
  }

  /** The error, or null if there is a result. Waits and throws as {@link result} does. Python: `Future.exception`. */
  exception(timeout: number | null = null): unknown {
    this.#waitBlocking(timeout);
    if (this.#state === "cancelled") throw new CancelledError();
    return this.#exception === NO_ERROR ? null : this.#exception;
  }

  /** Block until done, or for `timeout` seconds. For those that can. */
  protected block(_timeout: number | null): void {
    throw new RuntimeError(
      `${this} is not done, and a thread that is blocked could not learn that it is: await it`,
    );
  }

  /**
   * Call `callback(future)` when the future is done: right there, inside of what completes it; at once, if it is done.
   * What it throws is logged. Throws TypeError if it is no function. Python: `Future.add_done_callback`.
   */
  addDoneCallback(callback: (future: this) => unknown): void {
    assertCallback(callback, "addDoneCallback");
    if (this.done()) this.#call(callback);
    else this.#callbacks.push(callback);
  }

  /**
   * For executors, right before the call: false if the future was cancelled, so that there is nothing to do; else it is
   * running now. Throws InvalidStateError if that was said before. Python: `Future.set_running_or_notify_cancel`.
   */
  setRunningOrNotifyCancel(): boolean {
    if (this.#state === "cancelled") return false;
    if (this.#state !== "pending") throw new InvalidStateError(`invalid state: ${this} cannot begin`);
    this.#state = "running";
    return true;
  }

  /** For executors: the call gave `result`. Throws InvalidStateError if the future is done. Python: `Future.set_result`. */
  setResult(result: T): void {
    this.#assertOpen();
    this.#result = result;
    this.#finish("finished");
  }

  /** For executors: the call threw `exception`. Throws InvalidStateError if the future is done. Python: `Future.set_exception`. */
  setException(exception: unknown): void {
    this.#assertOpen();
    this.#exception = exception;
    this.#finish("finished");
  }

  /** For executors that can end a call that runs: it was ended, because somebody wanted that. */
  protected setCancelled(): void {
    this.#assertOpen();
    this.#finish("cancelled");
  }

  /** @internal Take back {@link addDoneCallback}. */
  removeDoneCallback(callback: (future: this) => unknown): void {
    this.#callbacks = this.#callbacks.filter((other) => other !== callback);
  }

  /** @internal The error, or NO_ERROR. */
  get failure(): unknown {
    return this.#exception;
  }

  override [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    return wrapFuture(this)[Symbol.iterator]();
  }

  protected override settle(resolve: Resolve<T>, reject: Reject): void {
    this.addDoneCallback(() => {
      if (this.#state === "cancelled") reject(new CancelledError());
      else if (this.#exception !== NO_ERROR) reject(this.#exception);
      else resolve(this.#result as T);
    });
  }

  #waitBlocking(timeout: number | null): void {
    if (timeout !== null) assertSeconds(timeout, "timeout");
    if (this.done()) return;
    if (timeout === null || timeout > 0) this.block(timeout);
    if (!this.done()) throw new TimeoutError(`${this} is not done`);
  }

  #assertOpen(): void {
    if (this.done()) throw new InvalidStateError(`invalid state: ${this} is done`);
  }

  #finish(state: "cancelled" | "finished"): void {
    this.#state = state;
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) this.#call(callback);
  }

  #call(callback: Callback): void {
    try {
      callback(this as never);
    } catch (error) {
      if (isFatal(error)) throw error;
      logger.error(`exception calling callback for ${this}`, error);
    }
  }

  override toString(): string {
    const parts: string[] = [this.constructor.name, this.#state];
    if (this.#state === "finished") {
      const failed = this.#exception !== NO_ERROR;
      parts.push(failed ? `raised ${nameOf(this.#exception)}` : `returned ${nameOf(this.#result)}`);
    }
    return `<${parts.join(" ")}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function nameOf(value: unknown): string {
  if (value instanceof Error) return value.name;
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "object") : typeof value;
}
