import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { TimeoutError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Future } from "../core/futures.ts";
import type { Handle } from "../core/handles.ts";
import { Inspectable } from "../core/inspectable.ts";
import { Queue } from "../sync/queues.ts";
import type { Waiter } from "../sync/waiters.ts";
import { assertCollection, ensureFutures, type ResultOf, type Waitable } from "./ensure-future.ts";
import { assertSeconds } from "./timeouts.ts";

/** The future that asynchronous iteration gives for an argument of `asCompleted`. */
type Completed<W> = W extends Future<unknown> ? W : Future<ResultOf<W>>;

/** Whoever waits for the next one waits for all. */
class Completions extends Queue<Future<unknown> | null> {
  readonly #pending: Set<Future<unknown>>;

  constructor(pending: Set<Future<unknown>>) {
    super();
    this.#pending = pending;
  }

  protected override createWaiter(): Waiter {
    const waiter = super.createWaiter();
    waiter.members = this.#pending;
    return waiter;
  }
}

/** What {@link asCompleted} returns. */
export class AsCompletedIterator<W extends Waitable> extends Inspectable {
  /** Those that are done, in their order; null for one that the timeout has struck. */
  readonly #completed: Completions;
  readonly #pending: Set<Future<unknown>>;
  readonly #timer: Handle | null;
  /** How many items nobody has asked for. */
  #left: number;
  /** How many items were asked for and are not there yet. */
  #owed = 0;

  /** @internal */
  constructor(waitables: Iterable<W>, timeout: number | null) {
    super();
    const loop = getRunningLoop();
    this.#pending = new Set(ensureFutures(waitables, loop));
    this.#completed = new Completions(this.#pending);
    this.#left = this.#pending.size;
    for (const future of this.#pending) future.observe(this.#onCompletion);
    this.#timer =
      timeout === null || this.#left === 0 ? null : loop.callLater(timeout, () => this.#onTimeout());
  }

  /** One coroutine for each argument, at once; each gives the next result. */
  *[Symbol.iterator](): Generator<Coroutine<ResultOf<W>>, void> {
    try {
      while (this.#left > 0) {
        this.#ask();
        yield new Coroutine(() => this.#nextResult(), "asCompleted");
      }
    } finally {
      this.#close();
    }
  }

  /** Each future, or the task made for an argument, once it is done. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next future that is done. By hand: an async generator would await what it yields. */
  next(): Coroutine<IteratorResult<Completed<W>, undefined>> {
    return new Coroutine(() => this.#nextItem(), "asCompleted");
  }

  /** The end of a `for await` that is left early. What was asked for before still comes. */
  async return(): Promise<IteratorResult<Completed<W>, undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }

  *#nextItem(): Generator<Suspension, IteratorResult<Completed<W>, undefined>, unknown> {
    if (this.#left === 0) return { done: true, value: undefined };
    this.#ask();
    return { done: false, value: (yield* this.#next()) as Completed<W> };
  }

  *#nextResult() {
    const future = yield* this.#next();
    return future.result() as ResultOf<W>;
  }

  *#next() {
    const future: Future<unknown> | null = yield* this.#completed.get();
    if (future === null) throw new TimeoutError();
    return future;
  }

  #ask(): void {
    this.#left--;
    this.#owed++;
  }

  readonly #onCompletion = (future: Future<unknown>): void => {
    if (!this.#pending.delete(future)) return;
    this.#completed.putNowait(future);
    this.#owed--;
    this.#letGoIfSatisfied();
  };

  #onTimeout(): void {
    for (const _ of this.#pending) this.#completed.putNowait(null);
    this.#letGo();
  }

  #close(): void {
    this.#left = 0;
    this.#letGoIfSatisfied();
  }

  /** With a timeout, what nobody wants any more stays until then, or until all are done: CPython's timer does. */
  #letGoIfSatisfied(): void {
    const satisfied = this.#left === 0 && this.#owed <= 0 && this.#timer === null;
    if (satisfied || this.#pending.size === 0) this.#letGo();
  }

  /** The futures may live long: nothing of this must stay with them. */
  #letGo(): void {
    for (const future of this.#pending) future.removeDoneCallback(this.#onCompletion);
    this.#pending.clear();
    this.#timer?.cancel();
  }

  override toString(): string {
    return `<AsCompletedIterator pending=${this.#pending.size} completed=${this.#completed.qsize()}>`;
  }
}

/**
 * The results of several in the order in which they come. All are started at once; a coroutine given twice counts once.
 *
 * ```ts
 * for (const next of asCompleted([a, b])) console.log(await next);
 * for await (const task of asCompleted([a, b])) console.log(task.result());
 * ```
 *
 * After `options.timeout` seconds each further item throws TimeoutError; nothing is cancelled. A loop over it that is
 * left early ends it. Throws TypeError for a lone awaitable, or if `timeout` is not a number; ValueError if `timeout` is
 * NaN or a future belongs to another loop; RuntimeError if no loop runs. Cancel safety: an item that was due is lost;
 * the futures are not. Python: `asyncio.as_completed`.
 */
export function asCompleted<W extends Waitable>(
  waitables: Iterable<W>,
  options: { timeout?: number | null } = {},
): AsCompletedIterator<W> {
  const { timeout = null } = options;
  assertCollection(waitables, "awaitables");
  assertSeconds(timeout);
  return new AsCompletedIterator(waitables, timeout);
}
