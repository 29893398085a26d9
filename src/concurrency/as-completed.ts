import { inspect } from "node:util";
import { isThenable, type Suspension } from "../core/awaitables.ts";
import { Coroutine, iscoroutine } from "../core/coroutines.ts";
import { TimeoutError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Future } from "../core/futures.ts";
import type { Handle } from "../core/handles.ts";
import { Queue } from "../sync/queues.ts";
import { ensureFuture, type ResultOf, type Waitable } from "./ensure-future.ts";

/** The future that asynchronous iteration gives for an argument of `asCompleted`. */
type Completed<W> = W extends Future<unknown> ? W : Future<ResultOf<W>>;

/** What {@link asCompleted} returns. */
export class AsCompletedIterator<W extends Waitable> {
  readonly #completed = new Queue<Future<unknown> | null>();
  readonly #pending: Set<Future<unknown>>;
  readonly #timer: Handle | null;
  #left: number;

  /** @internal */
  constructor(waitables: Iterable<W>, timeout: number | null) {
    const loop = getRunningLoop();
    this.#pending = new Set(
      [...new Set(waitables)].map((one) => ensureFuture(one, { loop }) as Future<unknown>),
    );
    this.#left = this.#pending.size;
    for (const future of this.#pending) future.addDoneCallback(this.#onCompletion);
    this.#timer =
      timeout === null || this.#left === 0 ? null : loop.callLater(timeout, () => this.#onTimeout());
  }

  /** One coroutine for each argument, at once; each gives the next result. */
  *[Symbol.iterator](): Generator<Coroutine<ResultOf<W>>, void> {
    while (this.#left > 0) {
      this.#left--;
      yield new Coroutine(() => this.#nextResult(), "asCompleted");
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

  *#nextItem(): Generator<Suspension, IteratorResult<Completed<W>, undefined>, unknown> {
    if (this.#left === 0) return { done: true, value: undefined };
    this.#left--;
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

  readonly #onCompletion = (future: Future<unknown>): void => {
    if (!this.#pending.delete(future)) return;
    this.#completed.putNowait(future);
    if (this.#pending.size === 0) this.#timer?.cancel();
  };

  #onTimeout(): void {
    for (const future of this.#pending) {
      future.removeDoneCallback(this.#onCompletion);
      this.#completed.putNowait(null);
    }
    this.#pending.clear();
  }
}

/**
 * The results of several in the order in which they come. All are started at once; one given twice counts once.
 *
 * ```ts
 * for (const next of asCompleted([a, b])) console.log(await next);
 * for await (const task of asCompleted([a, b])) console.log(task.result());
 * ```
 *
 * After `options.timeout` seconds each further item throws TimeoutError; nothing is cancelled. Throws TypeError for a
 * lone awaitable, RuntimeError if no loop runs. Cancel safety: an item that was due is lost; the futures are not.
 * Python: `asyncio.as_completed`.
 */
export function asCompleted<W extends Waitable>(
  waitables: Iterable<W>,
  options: { timeout?: number | null } = {},
): AsCompletedIterator<W> {
  if (waitables instanceof Future || iscoroutine(waitables) || isThenable(waitables)) {
    throw new TypeError(`expected an iterable of awaitables, not ${inspect(waitables)}`);
  }
  return new AsCompletedIterator(waitables, options.timeout ?? null);
}
