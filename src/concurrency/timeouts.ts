import { inspect } from "node:util";
import { assertSignal, onAbort } from "../core/abort-signals.ts";
import { isThenable, type Suspension } from "../core/awaitables.ts";
import { assertBody, Coroutine, type CoroutineBody, iscoroutine } from "../core/coroutines.ts";
import { cancellationOf, RuntimeError, TimeoutError, ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Handle } from "../core/handles.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Task } from "../core/tasks.ts";
import { currentTask } from "./current-task.ts";

export interface TimeoutOptions {
  /** Cancels the body when it aborts; what comes out is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * created → active → expiring → expired, or active → aborting → aborted, or active → finished. `timer` is set only
 * while active, `task` from active on; expiring and aborting mean that the task was cancelled by us and that the body
 * has not been left yet.
 */
type TimeoutState = "created" | "active" | "expiring" | "expired" | "aborting" | "aborted" | "finished";

/**
 * A deadline for a piece of code in the current task. At the deadline the task is cancelled; when that comes out of
 * the body as CancelledError, it becomes TimeoutError. So it is when the signal aborts, if there is one; what comes out
 * is the signal's reason then. The first of the two decides. Used once. Python: `asyncio.Timeout`.
 */
export class Timeout extends Inspectable {
  #state: TimeoutState = "created";
  #when: number | null;
  #timer: Handle | null = null;
  readonly #signal: AbortSignal | undefined;
  #stopListening: (() => void) | null = null;
  #task: Task<unknown> | null = null;
  #cancelling = 0;

  /**
   * `when` is a time of the loop's clock, in seconds; null for no deadline yet. Throws TypeError if it is neither, or
   * `signal` is no AbortSignal; ValueError for NaN.
   */
  constructor(when: number | null, { signal }: TimeoutOptions = {}) {
    super();
    assertSeconds(when);
    if (signal !== undefined) assertSignal(signal);
    this.#when = when;
    this.#signal = signal;
  }

  /** The deadline by the loop's clock, in seconds, or null. Python: `Timeout.when`. */
  when(): number | null {
    return this.#when;
  }

  /**
   * Move the deadline to `when`, by the loop's clock; null for none. One in the past strikes in the next iteration.
   * Throws RuntimeError before the body has begun, after it was left, or once the deadline or the signal struck.
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
    const strike = () => this.#strike("expiring");
    this.#timer = when <= loop.time() ? loop.callSoon(strike) : loop.callAt(when, strike);
  }

  /**
   * Whether the deadline struck, also while the body is still being left; not whether the signal did.
   * Python: `Timeout.expired`.
   */
  expired(): boolean {
    return this.#state === "expiring" || this.#state === "expired";
  }

  /**
   * Run `body` under the deadline, as a part of the current task; gives what it gives. Throws TimeoutError if the
   * deadline struck and the body ended by the cancellation, unless the task was cancelled by others too; the signal's
   * reason, by the same rule, if the signal struck, at the body's first wait if it had aborted before; RuntimeError
   * outside of a task or if used before. Cancel safety: that of the body. Python: `async with`.
   */
  run<T>(body: (timeout: this) => CoroutineBody<T>): Coroutine<T> {
    assertBody(body);
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
    if (this.#signal !== undefined) this.#stopListening = this.#listen(this.#signal);
  }

  /** An abort of the past strikes in the next iteration, as such a deadline does. */
  #listen(signal: AbortSignal): () => void {
    const strike = () => this.#strike("aborting");
    if (!signal.aborted) return onAbort(signal, strike);
    const handle = getRunningLoop().callSoon(strike);
    return () => handle.cancel();
  }

  /** Returns the error to throw instead of `error`. */
  #exit(error: unknown): unknown {
    this.#disarm();
    const struck = this.#state;
    if (struck !== "expiring" && struck !== "aborting") {
      this.#state = "finished";
      return error;
    }
    this.#state = struck === "expiring" ? "expired" : "aborted";
    const onlyOurs = this.#task!.uncancel() <= this.#cancelling;
    const cancellation = onlyOurs ? cancellationOf(error) : null;
    if (cancellation === null) return error;
    return struck === "expiring"
      ? new TimeoutError(undefined, { cause: cancellation })
      : this.#signal!.reason;
  }

  #strike(state: "expiring" | "aborting"): void {
    this.#disarm();
    this.#state = state;
    this.#task!.cancel();
  }

  /** Neither the deadline nor the signal strikes any more. */
  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#stopListening?.();
    this.#stopListening = null;
  }

  override toString(): string {
    const when = this.#state === "active" ? ` when=${this.#when}` : "";
    return `<Timeout [${this.#state}]${when}>`;
  }
}

type Body<T> = (timeout: Timeout) => CoroutineBody<T>;

/**
 * Run `body` in the current task, for `delay` seconds at the longest; null for ever. The deadline counts from the call.
 * Without `body`, the {@link Timeout} itself, whose `run(body)` does the rest.
 *
 * ```ts
 * await timeout(5, async (t) => { … });      yield* timeout(5, function* (t) { … });
 * await timeout(null, async () => { … }, { signal });   // a cancel scope, whose switch is an AbortController
 * ```
 *
 * With `options.signal`, an abort ends it too. Throws TimeoutError or the signal's reason as {@link Timeout.run} tells,
 * RuntimeError if no loop runs, TypeError or ValueError if `delay` is not a number, TypeError if `signal` is no
 * AbortSignal or `body` no function. A body that does not wait is not interrupted. Python: `asyncio.timeout`.
 */
export function timeout(delay: number | null, options?: TimeoutOptions): Timeout;
export function timeout<T>(delay: number | null, body: Body<T>, options?: TimeoutOptions): Coroutine<T>;
export function timeout<T>(
  delay: number | null,
  body?: Body<T> | TimeoutOptions,
  options?: TimeoutOptions,
): Timeout | Coroutine<T> {
  assertSeconds(delay);
  const when = delay === null ? null : getRunningLoop().time() + delay;
  return until(when, body, options);
}

/** As {@link timeout}, with the deadline given by the loop's clock, in seconds. Python: `asyncio.timeout_at`. */
export function timeoutAt(when: number | null, options?: TimeoutOptions): Timeout;
export function timeoutAt<T>(when: number | null, body: Body<T>, options?: TimeoutOptions): Coroutine<T>;
export function timeoutAt<T>(
  when: number | null,
  body?: Body<T> | TimeoutOptions,
  options?: TimeoutOptions,
): Timeout | Coroutine<T> {
  return until(when, body, options);
}

function until<T>(
  when: number | null,
  body: Body<T> | TimeoutOptions | undefined,
  options: TimeoutOptions | undefined,
): Timeout | Coroutine<T> {
  if (typeof body === "function") return new Timeout(when, options).run(body);
  if (body !== undefined) assertOptions(body);
  return new Timeout(when, body);
}

/** What was meant as the body must not pass for options without a signal. */
function assertOptions(value: unknown): void {
  const isObject = typeof value === "object" && value !== null;
  if (!isObject || isThenable(value) || iscoroutine(value)) assertBody(value);
}

/** @internal Throws TypeError unless `value` is a number or null, ValueError if it is NaN. */
export function assertSeconds(value: unknown): void {
  if (value === null) return;
  if (typeof value !== "number")
    throw new TypeError(`a number of seconds or null is required, not ${inspect(value)}`);
  if (Number.isNaN(value)) throw new ValueError("Invalid timeout: NaN (not a number)");
}
