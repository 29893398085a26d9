import { types } from "node:util";
import type { BaseEventLoop } from "./base-events.ts";
import {
  assertContext,
  type Context,
  contextOf,
  currentValues,
  type LazyContext,
  type Values,
  valuesOf,
} from "./contextvars.ts";
import { CreationStack, createdAt, sourceTraceback, untraced } from "./creation-stacks.ts";
import { isFatal } from "./errors.ts";
import { Frame } from "./execution.ts";
import { describeFunction } from "./format-helpers.ts";
import type { Future } from "./futures.ts";
import { Inspectable } from "./inspectable.ts";

/** What the loop's ready queue holds: a step. */
export interface Runnable {
  run(): void;
  /** Whose step it is, as far as a user knows it; null if nothing will run. */
  readonly subject?: Handle | Future<unknown> | null;
  /** Whether this is what it calls. */
  calls?(callback: unknown): boolean;
}

const NO_ARGUMENTS: readonly unknown[] = [];

export type Callback<A extends unknown[] = unknown[]> = (...args: A) => unknown;

/**
 * A callback that waits for its turn: what `callSoon` returns. It runs in the context, and with every
 * AsyncLocalStorage value, of the place that scheduled it. Python: `asyncio.Handle`.
 */
export class Handle extends Inspectable implements Disposable {
  /** @internal A callback is no task, whoever scheduled it. */
  readonly task = null;
  /** @internal */
  declare readonly sourceTraceback: CreationStack | null;
  protected readonly loop: BaseEventLoop;
  #callback: Callback | null;
  #args: readonly unknown[];
  #cancelled = false;
  #context: LazyContext;
  /** Null once it is cancelled: it leads to the task that runs there, and a cancelled timer may be kept for long. */
  #frame: Frame | null;

  /** @internal `frame` is one to share, where many handles are made in the same place. */
  constructor(
    callback: Callback,
    args: readonly unknown[],
    loop: BaseEventLoop,
    context?: Context,
    frame = new Frame(),
  ) {
    super();
    if (context !== undefined) assertContext(context);
    this.#callback = callback;
    this.#args = args;
    this.loop = loop;
    this.#context = context ?? currentValues();
    this.#frame = frame;
    if (loop.getDebug()) this.sourceTraceback = CreationStack.here();
  }

  static {
    untraced(Handle);
  }

  /** Never call the callback, and let go of it. No effect once it ran. Python: `Handle.cancel`. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#callback = null;
    this.#args = NO_ARGUMENTS;
    this.#frame = null;
  }

  /** {@link cancel}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.cancel();
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

  /** Whether {@link cancel} was called. Python: `Handle.cancelled`. */
  cancelled(): boolean {
    return this.#cancelled;
  }

  /** The context in which the callback runs. Python: `Handle.get_context`. */
  getContext(): Context {
    return this.context;
  }

  /** @internal */
  get subject(): this | null {
    return this.#cancelled ? null : this;
  }

  /** @internal */
  calls(callback: unknown): boolean {
    return this.#callback === callback;
  }

  /** @internal */
  run(): void {
    this.#frame?.call(this);
  }

  /** @internal */
  invoke(): void {
    const callback = this.#callback;
    try {
      const result = callback?.(...this.#args);
      // Most give nothing, and to ask Node what something is takes a while.
      if (result !== undefined && types.isPromise(result)) this.#follow(result, callback);
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#report(error, callback);
    }
  }

  /** An async function as a callback: its failure is one of the callback, not an unhandled rejection. */
  #follow(promise: Promise<unknown>, callback: Callback | null): void {
    this.loop.promiseSettled();
    promise.then(null, (error) => {
      if (isFatal(error)) this.loop.burst(error);
      else this.#report(error, callback);
    });
  }

  #report(exception: unknown, callback: Callback | null): void {
    this.loop.callExceptionHandler({
      message: `Exception in callback ${describeFunction(callback)}`,
      exception,
      handle: this,
      ...sourceTraceback(this.sourceTraceback),
    });
  }

  protected describe(): string {
    return this.#cancelled ? "cancelled" : describeFunction(this.#callback);
  }

  override toString(): string {
    return `<${[this.constructor.name, this.describe(), ...createdAt(this.sourceTraceback)].join(" ")}>`;
  }
}

/** So many runs show that a callback is called often. */
const OFTEN = 8;

/**
 * A callback that is called again and again: whenever an fd is ready. To enter its frame anew each time takes Node as long as
 * many a callback does, so one that is called often keeps the frame as it was entered, in 230 bytes.
 */
export class RecurringHandle extends Handle {
  #runs = 0;
  #entered: Frame | null = null;

  override cancel(): void {
    super.cancel();
    this.#entered = null;
  }

  /** @internal */
  override run(): void {
    if (this.#entered === null) super.run();
    else this.#entered.resume(this, RecurringHandle.#invoke, this);
  }

  static #invoke(handle: RecurringHandle): void {
    handle.invoke();
  }

  /** @internal */
  override invoke(): void {
    if (this.#entered === null && ++this.#runs === OFTEN) this.#entered = new Frame();
    super.invoke();
  }
}

/** A callback for a certain time: what `callLater` and `callAt` return. Python: `asyncio.TimerHandle`. */
export class TimerHandle extends Handle {
  readonly #when: number;
  /** @internal Its place among those of the same time, if the loop's timers hold it; else -1. */
  sequence = -1;

  /** @internal */
  constructor(
    when: number,
    callback: Callback,
    args: readonly unknown[],
    loop: BaseEventLoop,
    context?: Context,
  ) {
    super(callback, args, loop, context);
    this.#when = when;
  }

  /** When the callback is due: `loop.time()` seconds. Python: `TimerHandle.when`. */
  when(): number {
    return this.#when;
  }

  override cancel(): void {
    if (!this.cancelled() && this.sequence >= 0) this.loop.timers.noteCancelled();
    super.cancel();
  }

  protected override describe(): string {
    return `when=${this.#when} ${super.describe()}`;
  }
}
