import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { Coroutine, type CoroutineBody } from "../core/coroutines.ts";
import { cancellationOf, RuntimeError, TimeoutError, ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Handle } from "../core/handles.ts";
import type { Task } from "../core/tasks.ts";
import { currentTask } from "./current-task.ts";

/**
 * created → active → expiring → expired, or active → finished. `timer` is set only while active, `task` from active
 * on; expiring means that the task was cancelled by us and that the body has not been left yet.
 */
type TimeoutState = "created" | "active" | "expiring" | "expired" | "finished";

/**
 * A deadline for a piece of code in the current task. At the deadline the task is cancelled; when that comes out of
 * the body as CancelledError, it becomes TimeoutError. Used once. Python: `asyncio.Timeout`.
 */
export class Timeout {
  #state: TimeoutState = "created";
  #when: number | null;
  #timer: Handle | null = null;
  #task: Task<unknown> | null = null;
  #cancelling = 0;

  /** `when` is a time of the loop's clock, in seconds; null for no deadline yet. */
  constructor(when: number | null) {
    assertSeconds(when);
    this.#when = when;
  }

  /** The deadline by the loop's clock, in seconds, or null. Python: `Timeout.when`. */
  when(): number | null {
    return this.#when;
  }

  /**
   * Move the deadline to `when`, by the loop's clock; null for none. One in the past strikes in the next iteration.
   * Throws RuntimeError before the body has begun, after it was left, or once the deadline struck.
   * Python: `Timeout.reschedule`.
   */
  reschedule(when: number | null): void {
    assertSeconds(when);
    if (this.#state === "created") throw new RuntimeError("Timeout has not been entered");
    if (this.#state !== "active") throw new RuntimeError(`Cannot change state of ${this.#state} Timeout`);
    this.#when = when;
    this.#timer?.cancel();
    this.#timer = null;
    if (when === null) return;
    const loop = getRunningLoop();
    const strike = () => this.#strike();
    this.#timer = when <= loop.time() ? loop.callSoon(strike) : loop.callAt(when, strike);
  }

  /** Whether the deadline struck, also while the body is still being left. Python: `Timeout.expired`. */
  expired(): boolean {
    return this.#state === "expiring" || this.#state === "expired";
  }

  /**
   * Run `body` under the deadline, as a part of the current task; gives what it gives. Throws TimeoutError if the
   * deadline struck and the body ended by the cancellation, unless the task was cancelled by others too; RuntimeError
   * outside of a task or if used before. Cancel safety: that of the body. Python: `async with`.
   */
  run<T>(body: (timeout: this) => CoroutineBody<T>): Coroutine<T> {
    return new Coroutine(() => this.#run(body), "timeout");
  }

  *#run<T>(body: (timeout: this) => CoroutineBody<T>): Generator<Suspension, T, unknown> {
    this.#enter();
    let result: T;
    try {
      result = yield* new Coroutine(() => body(this), body.name || "timeout body");
    } catch (error) {
      throw this.#exit(error);
    }
    this.#exit(null);
    return result;
  }

  #enter(): void {
    if (this.#state !== "created") throw new RuntimeError("Timeout has already been entered");
    const task = currentTask();
    if (task === null) throw new RuntimeError("Timeout should be used inside a task");
    this.#state = "active";
    this.#task = task;
    this.#cancelling = task.cancelling();
    this.reschedule(this.#when);
  }

  /** Returns the error to throw instead of `error`. */
  #exit(error: unknown): unknown {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#state === "active") this.#state = "finished";
    if (this.#state !== "expiring") return error;
    this.#state = "expired";
    const onlyOurs = this.#task!.uncancel() <= this.#cancelling;
    const cancellation = onlyOurs ? cancellationOf(error) : null;
    return cancellation === null ? error : new TimeoutError(undefined, { cause: cancellation });
  }

  #strike(): void {
    this.#task!.cancel();
    this.#state = "expiring";
    this.#timer = null;
  }

  toString(): string {
    const when = this.#state === "active" ? ` when=${this.#when}` : "";
    return `<Timeout [${this.#state}]${when}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

type Body<T> = (timeout: Timeout) => CoroutineBody<T>;

/**
 * Run `body` in the current task, for `delay` seconds at the longest; null for ever. The deadline counts from the call.
 * Without `body`, the {@link Timeout} itself, whose `run(body)` does the rest.
 *
 * ```ts
 * await timeout(5, async (t) => { … });      yield* timeout(5, function* (t) { … });
 * ```
 *
 * Throws TimeoutError as {@link Timeout.run} tells, RuntimeError if no loop runs, TypeError or ValueError if `delay`
 * is not a number. A body that does not wait is not interrupted. Python: `asyncio.timeout`.
 */
export function timeout(delay: number | null): Timeout;
export function timeout<T>(delay: number | null, body: Body<T>): Coroutine<T>;
export function timeout<T>(delay: number | null, body?: Body<T>): Timeout | Coroutine<T> {
  assertSeconds(delay);
  const when = delay === null ? null : getRunningLoop().time() + delay;
  return until(new Timeout(when), body);
}

/** As {@link timeout}, with the deadline given by the loop's clock, in seconds. Python: `asyncio.timeout_at`. */
export function timeoutAt(when: number | null): Timeout;
export function timeoutAt<T>(when: number | null, body: Body<T>): Coroutine<T>;
export function timeoutAt<T>(when: number | null, body?: Body<T>): Timeout | Coroutine<T> {
  return until(new Timeout(when), body);
}

function until<T>(deadline: Timeout, body: Body<T> | undefined): Timeout | Coroutine<T> {
  return body === undefined ? deadline : deadline.run(body);
}

/** @internal Throws TypeError unless `value` is a number or null, ValueError if it is NaN. */
export function assertSeconds(value: unknown): void {
  if (value === null) return;
  if (typeof value !== "number")
    throw new TypeError(`a number of seconds or null is required, not ${inspect(value)}`);
  if (Number.isNaN(value)) throw new ValueError("Invalid timeout: NaN (not a number)");
}
