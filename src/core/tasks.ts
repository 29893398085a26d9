import { assertSignal, isHeard, onAbort } from "./abort-signals.ts";
import type { Awaitable } from "./awaitables.ts";
import type { BaseEventLoop, TaskOptions } from "./base-events.ts";
import { formatStack, limitedStack, type TextFile } from "./base-tasks.ts";
import {
  assertContext,
  type Context,
  contextOf,
  currentValues,
  type LazyContext,
  type Values,
  valuesOf,
} from "./contextvars.ts";
import { Coroutine } from "./coroutines.ts";
import { warnSwallowed, watchDelivery } from "./debug.ts";
import { channels } from "./diagnostics.ts";
import { CancelledError, cancellationOf, isFatal, RuntimeError } from "./errors.ts";
import { type Execution, Frame } from "./execution.ts";
import { describeValue } from "./format-helpers.ts";
import { Future } from "./futures.ts";
import type { TimerHandle } from "./handles.ts";
import { itemsOf } from "./linked-list.ts";
import { type OnFulfilled, type OnRejected, Reaction } from "./reactions.ts";
import type { StackFrame } from "./stack-frames.ts";
import { Strand } from "./strands.ts";

let taskCount = 0;

/** What few tasks have, so that the others need no memory for it. */
class Rare {
  /** Of {@link Task.signal}. */
  abort: AbortController | null = null;
  /** To the signal that cancels the task. */
  stopListening: (() => void) | null = null;
  /** In debug mode: warns if a cancellation is not delivered. */
  deliveryTimer: TimerHandle | null = null;
}

/**
 * A coroutine that runs in the loop, beside the others. It is also the future of its outcome.
 *
 * The loop keeps every task until it is done. Python: `asyncio.Task`. Make one with `createTask`.
 */
export class Task<T = unknown> extends Future<T> {
  /** @internal Neighbours among the loop's tasks. */
  previous: Task<unknown> | null = null;
  /** @internal */
  next: Task<unknown> | null = null;
  /** @internal The ends of {@link waits}. */
  first: Strand | null = null;
  /** @internal */
  last: Strand | null = null;
  readonly #coroutine: Coroutine<T>;
  /** Of a task without a name its number, which is made into one when somebody asks. */
  #name: string | number;
  #cancelRequests = 0;
  #mustCancel = false;
  #context: LazyContext;
  #rare: Rare | null = null;

  /** Throws RuntimeError if `coroutine` was awaited or made into a task before, TypeError for an argument of another type. */
  constructor(coroutine: Coroutine<T>, options: TaskOptions & { loop?: BaseEventLoop } = {}) {
    super(options);
    if (!(coroutine instanceof Coroutine)) {
      throw new TypeError(`a coroutine was expected, not ${describeValue(coroutine)}`);
    }
    coroutine.schedule();
    const { signal, context } = options;
    if (signal !== undefined) assertSignal(signal);
    if (context !== undefined) assertContext(context);
    this.#coroutine = coroutine;
    this.#name = options.name === undefined ? ++taskCount : String(options.name);
    this.#context = context ?? currentValues();
    this.loop.tasks.add(this);
    if (signal !== undefined) this.rare.stopListening = onAbort(signal, (message) => this.cancel(message));
    if (channels.taskCreate.hasSubscribers) channels.taskCreate.publish({ task: this });
    const body = new Strand(this, coroutine, this, this, Frame.of(this));
    if (options.eagerStart && this.loop.isRunning()) body.start();
    else this.loop.enqueue(body);
  }

  /** @internal */
  get context(): Context {
    this.#context = contextOf(this.#context);
    return this.#context;
  }

  /** @internal */
  get values(): Values {
    return valuesOf(this.#context);
  }

  /** @internal As an execution, a task runs as itself. */
  get task(): this {
    return this;
  }

  /** @internal The strands that wait, for a future or for a promise that is not ours. Oldest wait first. */
  get waits(): Iterable<Strand> {
    return itemsOf<Strand>(this);
  }

  /** @internal The future that it waits for; if there are several, the one that it began to wait for first. */
  get waitingOn(): Future<unknown> | null {
    for (const { waitingOn } of this.waits) if (waitingOn !== null) return waitingOn;
    return null;
  }

  /** The task's name, `Task-N` by default. Python: `Task.get_name`. */
  getName(): string {
    if (typeof this.#name === "number") this.#name = `Task-${this.#name}`;
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
   * Where the task stands: its frames, outermost first. A task that failed has those of its error, one that is done
   * else has none. With `limit`, only so many: the newest, but of an error the oldest.
   *
   * Throws TypeError or ValueError for a limit that is no count. Python: `Task.get_stack`.
   */
  getStack({ limit = null }: { limit?: number | null } = {}): StackFrame[] {
    return limitedStack(this, limit);
  }

  /** Write what {@link getStack} gives to `file`, by default `process.stderr`. Throws as it does. Python: `Task.print_stack`. */
  printStack({ limit = null, file = process.stderr }: { limit?: number | null; file?: TextFile } = {}): void {
    file.write(formatStack(this, limit));
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
    if (channels.taskCancel.hasSubscribers) channels.taskCancel.publish({ task: this, message });
    this.#cancelRequests++;
    const heard = this.abortSignal(message);
    let delivered = false;
    for (const { waitingOn } of this.waits) delivered = waitingOn?.cancel(message) || delivered;
    if (delivered || heard) return true;
    this.#mustCancel = true;
    this.cancelMessage = message;
    if (this.loop.getDebug()) this.rare.deliveryTimer ??= watchDelivery(this);
    return true;
  }

  /**
   * @internal As {@link cancel}, but also where tasks wait for each other in a circle. There `cancel` goes round and round
   * until the stack is full, as in CPython; this then gives up the task's own waits.
   */
  cancelAnyway(): void {
    try {
      this.cancel();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      for (const strand of this.waits) strand.interrupt(new CancelledError());
    }
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
    if (this.#cancelRequests > 0 && --this.#cancelRequests === 0) this.delivered();
    return this.#cancelRequests;
  }

  /**
   * Aborts when the task is cancelled, with its CancelledError as the reason: for `fetch` and whatever else takes an
   * AbortSignal. Where the task waits for nothing of ours and somebody listens to the signal, the abort is how the
   * cancellation is delivered.
   */
  get signal(): AbortSignal {
    const { rare } = this;
    if (rare.abort === null || (rare.abort.signal.aborted && this.#cancelRequests === 0)) {
      rare.abort = new AbortController();
      if (this.#cancelRequests > 0) rare.abort.abort(new CancelledError(this.cancelMessage));
    }
    return rare.abort.signal;
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
  waitInside<V, R>(
    awaitable: Awaitable<V>,
    execution: Execution,
    onFulfilled: OnFulfilled<V, R>,
    onRejected: OnRejected<R>,
  ): Promise<R> {
    const reaction = new Reaction(this.loop, onFulfilled, onRejected);
    new Strand(this, awaitable, reaction, execution).start();
    reaction.begin();
    return reaction;
  }

  /** @internal What a step starts with: `error`, unless a cancellation waits to be delivered. */
  takeCancellation(error: unknown): unknown {
    if (!this.#mustCancel) return error;
    this.delivered();
    return error instanceof CancelledError ? error : this.makeCancelledError();
  }

  /** @internal A strand has begun to wait for `future`: a cancellation that waits to be delivered strikes here. */
  cancelNewWait(future: Future<unknown>): void {
    if (this.#mustCancel && future.cancel(this.cancelMessage)) this.delivered();
  }

  /** @internal The coroutine returned. */
  returned(value: unknown): void {
    this.ended();
    if (this.#mustCancel) {
      this.#mustCancel = false;
      super.cancel(this.cancelMessage);
    } else {
      this.finish(value as T);
      if (this.#cancelRequests > 0 && this.loop.getDebug()) warnSwallowed(this);
    }
    this.tellDone();
  }

  /** @internal The coroutine threw. */
  threw(error: unknown): void {
    this.ended();
    const cancellation = cancellationOf(error);
    if (cancellation !== null) this.cancelBecause(cancellation);
    else this.fail(error);
    this.tellDone();
    if (isFatal(error)) this.loop.burst(error);
  }

  /** @internal Nobody is below a task on its stack. */
  stack(): [] {
    return [];
  }

  private get rare(): Rare {
    this.#rare ??= new Rare();
    return this.#rare;
  }

  private delivered(): void {
    this.#mustCancel = false;
    if (this.#rare === null) return;
    this.#rare.deliveryTimer?.cancel();
    this.#rare.deliveryTimer = null;
  }

  private tellDone(): void {
    if (channels.taskDone.hasSubscribers) channels.taskDone.publish({ task: this });
  }

  private ended(): void {
    this.#rare?.stopListening?.();
    this.#rare?.deliveryTimer?.cancel();
    this.loop.tasks.delete(this);
    this.#coroutine.finished();
  }

  private abortSignal(message: string | undefined): boolean {
    const controller = this.#rare?.abort ?? null;
    if (controller === null || controller.signal.aborted) return false;
    const heard = this.waitingOn === null && isHeard(controller.signal);
    controller.abort(new CancelledError(message));
    return heard;
  }

  protected override describe(): string[] {
    const [state = "", ...rest] = super.describe();
    const shown = state === "pending" && this.#cancelRequests > 0 ? "cancelling" : state;
    const parts = [shown, `name=${JSON.stringify(this.getName())}`, `coro=${this.#coroutine}`, ...rest];
    const { waitingOn } = this;
    if (waitingOn !== null) parts.push(`waitFor=${waitingOn.constructor.name}`);
    return parts;
  }
}
