import { assertSignal, isHeard, onAbort } from "./abort-signals.ts";
import type { Awaitable, Outcome, Reject, Resolve } from "./awaitables.ts";
import type { BaseEventLoop, TaskOptions } from "./base-events.ts";
import { type Context, copyContext } from "./contextvars.ts";
import type { Coroutine } from "./coroutines.ts";
import { CancelledError, cancellationOf, isFatal, RuntimeError } from "./errors.ts";
import { currentExecution, Frame } from "./execution.ts";
import { Future } from "./futures.ts";
import { Strand, Waits } from "./strands.ts";

let taskCount = 0;

/**
 * A coroutine that runs in the loop, beside the others. It is also the future of its outcome.
 *
 * The loop keeps every task until it is done. Python: `asyncio.Task`. Make one with `createTask`.
 */
export class Task<T = unknown> extends Future<T> {
  /** @internal */
  readonly context: Context;
  /** @internal The strands that wait for a future of ours. */
  readonly waits = new Waits();
  readonly #coroutine: Coroutine<T>;
  #name: string;
  #cancelRequests = 0;
  #mustCancel = false;
  #abort: AbortController | null = null;
  #stopListening: (() => void) | null = null;

  /** Throws RuntimeError if `coroutine` was awaited or made into a task before; TypeError if `options.signal` is no AbortSignal. */
  constructor(coroutine: Coroutine<T>, options: TaskOptions & { loop?: BaseEventLoop } = {}) {
    super(options.loop ? { loop: options.loop } : {});
    const { signal } = options;
    if (signal !== undefined) assertSignal(signal);
    coroutine.schedule();
    this.#coroutine = coroutine;
    this.#name = options.name === undefined ? `Task-${++taskCount}` : String(options.name);
    this.context = options.context ?? copyContext();
    this.loop.tasks.add(this);
    if (signal !== undefined) this.#stopListening = onAbort(signal, (message) => this.cancel(message));
    const body = new Strand(this, coroutine, this, Frame.of(this));
    if (options.eagerStart && this.loop.isRunning()) body.start();
    else this.loop.enqueue(body);
  }

  /** @internal As an execution, a task runs as itself. */
  get task(): this {
    return this;
  }

  /** The task's name, `Task-N` by default. Python: `Task.get_name`. */
  getName(): string {
    return this.#name;
  }

  /** Give the task another name. Python: `Task.set_name`. */
  setName(name: string): void {
    this.#name = String(name);
  }

  /** The coroutine that the task runs. Python: `Task.get_coro`. */
  getCoro(): Coroutine<T> {
    return this.#coroutine;
  }

  /** The context that the task runs in. Python: `Task.get_context`. */
  getContext(): Context {
    return this.context;
  }

  /**
   * Ask the task to end: what it waits for is cancelled, and it gets a CancelledError with `message` there; if it
   * waits for nothing of ours, at its next wait. It may catch that, so `cancelled()` is not true at once, or ever.
   * Returns false if it was done already.
   *
   * A wait for a foreign promise cannot be interrupted: use `ensureFuture(promise)` or {@link signal}.
   * Python: `Task.cancel`.
   */
  override cancel(message?: string): boolean {
    if (this.done()) return false;
    this.#cancelRequests++;
    const heard = this.#abortSignal(message);
    let delivered = false;
    for (const { waitingOn } of this.waits) delivered = waitingOn!.cancel(message) || delivered;
    if (delivered || heard) return true;
    this.#mustCancel = true;
    this.cancelMessage = message;
    return true;
  }

  /** How many requests to cancel were made and not taken back. Python: `Task.cancelling`. */
  cancelling(): number {
    return this.#cancelRequests;
  }

  /**
   * Take back one request to cancel: for whoever called `cancel()` and has dealt with it. Returns how many are left; at
   * none, a cancellation that was not delivered yet is forgotten. Python: `Task.uncancel`.
   */
  uncancel(): number {
    if (this.#cancelRequests > 0 && --this.#cancelRequests === 0) this.#mustCancel = false;
    return this.#cancelRequests;
  }

  /**
   * Aborts when the task is cancelled, with its CancelledError as the reason: for `fetch` and whatever else takes an
   * AbortSignal. Where the task waits for nothing of ours and somebody listens to the signal, the abort is how the
   * cancellation is delivered.
   */
  get signal(): AbortSignal {
    if (this.#abort === null || (this.#abort.signal.aborted && this.#cancelRequests === 0)) {
      this.#abort = new AbortController();
      if (this.#cancelRequests > 0) this.#abort.abort(new CancelledError(this.cancelMessage));
    }
    return this.#abort.signal;
  }

  /** Always throws RuntimeError: the outcome of a task is that of its coroutine. */
  override setResult(): never {
    throw new RuntimeError("Task does not support set_result operation");
  }

  /** Always throws RuntimeError: the outcome of a task is that of its coroutine. */
  override setException(): never {
    throw new RuntimeError("Task does not support set_exception operation");
  }

  /** @internal An async function of this task awaits `awaitable`. */
  waitInside<V>(awaitable: Awaitable<V>, resolve: Resolve<V>, reject: Reject): void {
    const { loop } = this;
    const outcome: Outcome = {
      returned(value) {
        loop.promiseSettled();
        resolve(value as V);
      },
      threw(error) {
        loop.promiseSettled();
        reject(error);
      },
    };
    new Strand(this, awaitable, outcome, new Frame(), currentExecution()).start();
  }

  /** @internal What a step starts with: `error`, unless a cancellation waits to be delivered. */
  takeCancellation(error: unknown): unknown {
    if (!this.#mustCancel) return error;
    this.#mustCancel = false;
    return error instanceof CancelledError ? error : this.makeCancelledError();
  }

  /** @internal A strand has begun to wait for `future`: a cancellation that waits to be delivered strikes here. */
  cancelNewWait(future: Future<unknown>): void {
    if (this.#mustCancel && future.cancel(this.cancelMessage)) this.#mustCancel = false;
  }

  /** @internal The coroutine returned. */
  returned(value: unknown): void {
    this.#ended();
    if (this.#mustCancel) {
      this.#mustCancel = false;
      super.cancel(this.cancelMessage);
    } else {
      this.finish(value as T);
    }
  }

  /** @internal The coroutine threw. */
  threw(error: unknown): void {
    this.#ended();
    const cancellation = cancellationOf(error);
    if (cancellation !== null) {
      this.cancelBecause(cancellation);
      return;
    }
    this.fail(error);
    if (isFatal(error)) this.loop.burst(error);
  }

  #ended(): void {
    this.#stopListening?.();
    this.loop.tasks.delete(this);
    this.#coroutine.finished();
  }

  #abortSignal(message: string | undefined): boolean {
    const controller = this.#abort;
    if (controller === null || controller.signal.aborted) return false;
    const heard = this.waits.empty && isHeard(controller.signal);
    controller.abort(new CancelledError(message));
    return heard;
  }

  protected override describe(): string[] {
    const [state = "", ...rest] = super.describe();
    const shown = state === "pending" && this.#cancelRequests > 0 ? "cancelling" : state;
    const parts = [shown, `name=${JSON.stringify(this.#name)}`, `coro=${this.#coroutine}`, ...rest];
    const waitingOn = this.waits[Symbol.iterator]().next().value?.waitingOn;
    if (waitingOn) parts.push(`waitFor=${waitingOn.constructor.name}`);
    return parts;
  }
}
