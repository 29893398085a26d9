import { inspect } from "node:util";
import { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, type WaitOptions } from "../concurrency/wait.ts";
import { assertSeconds } from "../core/callback-arguments.ts";
import { TimeoutError, ValueError } from "../core/errors.ts";
import { NO_ERROR } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import { Deque } from "../sync/deque.ts";
import { Deadline } from "./deadline.ts";
import { ConcurrentFuture } from "./futures.ts";

/**
 * Wait until all of `futures` are done, or the first one, or the time is over; gives those that are done and those that are
 * not. It neither throws when the time is over nor cancels anything. No loop is needed.
 *
 * Throws TypeError for what is no concurrent future, and if `timeout` is not a number; ValueError if `returnWhen` is
 * unknown or `timeout` is NaN. Cancel safety: nothing is lost. Python: `concurrent.futures.wait`, which blocks.
 */
export function concurrentWait<F extends ConcurrentFuture>(
  futures: Iterable<F>,
  { timeout = null, returnWhen = ALL_COMPLETED }: WaitOptions = {},
): ConcurrentFuture<{ done: Set<F>; notDone: Set<F> }> {
  const members = collect(futures);
  if (timeout !== null) assertSeconds(timeout, "timeout");
  if (![ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION].includes(returnWhen)) {
    throw new ValueError(`Invalid returnWhen value: ${inspect(returnWhen)}`);
  }
  const over = new ConcurrentFuture<{ done: Set<F>; notDone: Set<F> }>();
  const finish = () => over.setResult(sort(members));
  const isEnough = () => {
    if (returnWhen === FIRST_COMPLETED && some(members, (future) => future.done())) return true;
    if (returnWhen === FIRST_EXCEPTION && some(members, (future) => future.failure !== NO_ERROR)) return true;
    return !some(members, (future) => !future.done());
  };
  const onDone = () => {
    if (isEnough()) finish();
  };
  over.addDoneCallback(() => {
    for (const future of members) future.removeDoneCallback(onDone);
  });
  if (isEnough()) {
    finish();
    return over;
  }
  for (const future of members) if (!future.done()) future.addDoneCallback(onDone);
  new Deadline(timeout).reach(over, finish);
  return over;
}

/**
 * The futures in the order in which they are done; one given twice counts once.
 *
 * ```ts
 * for await (const future of concurrentAsCompleted(futures, { timeout: 60 })) console.log(future.result());
 * ```
 *
 * Iterating throws TimeoutError `timeout` seconds after the call; nothing is cancelled. Throws TypeError for what is no
 * concurrent future, and if `timeout` is not a number; ValueError if it is NaN. Cancel safety: the future that was due is
 * skipped. Python: `concurrent.futures.as_completed`, which blocks.
 */
export function concurrentAsCompleted<F extends ConcurrentFuture>(
  futures: Iterable<F>,
  { timeout = null }: { timeout?: number | null } = {},
): ConcurrentAsCompletedIterator<F> {
  const members = collect(futures);
  if (timeout !== null) assertSeconds(timeout, "timeout");
  return new ConcurrentAsCompletedIterator(members, timeout);
}

type Item<F> = IteratorResult<F, undefined>;

/** What {@link concurrentAsCompleted} returns. `for await`, or in generators `yield* iterator.next()`. */
export class ConcurrentAsCompletedIterator<F extends ConcurrentFuture>
  extends Inspectable
  implements AsyncIterableIterator<F, undefined>
{
  readonly #pending: Set<F>;
  readonly #completed = new Deque<F>();
  readonly #askers = new Deque<ConcurrentFuture<Item<F>>>();
  readonly #deadline: Deadline;
  readonly #total: number;
  #left: number;

  /** @internal */
  constructor(members: ReadonlySet<F>, timeout: number | null) {
    super();
    this.#total = this.#left = members.size;
    this.#deadline = new Deadline(timeout);
    this.#pending = new Set(members);
    for (const future of members) future.addDoneCallback(this.#onDone);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next future that is done. */
  next(): ConcurrentFuture<Item<F>> {
    const next = new ConcurrentFuture<Item<F>>();
    if (this.#left === 0) {
      next.setResult({ done: true, value: undefined });
      return next;
    }
    this.#left--;
    if (this.#completed.length > 0) {
      next.setResult({ done: false, value: this.#completed.shift() });
      return next;
    }
    this.#askers.push(next);
    this.#deadline.reach(next, () => {
      next.setException(new TimeoutError(`${this.#pending.size} (of ${this.#total}) futures unfinished`));
    });
    return next;
  }

  /** The end of a `for await` that is left early. */
  async return(): Promise<Item<F>> {
    this.#left = 0;
    for (const future of this.#pending) future.removeDoneCallback(this.#onDone);
    this.#pending.clear();
    return { done: true, value: undefined };
  }

  readonly #onDone = (future: F): void => {
    this.#pending.delete(future);
    while (this.#askers.length > 0) {
      const asker = this.#askers.shift();
      if (asker.done()) continue;
      asker.setResult({ done: false, value: future });
      return;
    }
    this.#completed.push(future);
  };

  override toString(): string {
    return `<ConcurrentAsCompletedIterator pending=${this.#pending.size} completed=${this.#completed.length}>`;
  }
}

function collect<F extends ConcurrentFuture>(futures: Iterable<F>): Set<F> {
  if (typeof Object(futures)[Symbol.iterator] !== "function" || futures instanceof ConcurrentFuture) {
    throw new TypeError(`a list of concurrent futures was expected, not ${inspect(futures)}`);
  }
  const members = new Set(futures);
  for (const one of members) {
    if (!(one instanceof ConcurrentFuture)) {
      throw new TypeError(`a concurrent future was expected, not ${inspect(one)}`);
    }
  }
  return members;
}

function sort<F extends ConcurrentFuture>(members: ReadonlySet<F>): { done: Set<F>; notDone: Set<F> } {
  const done = new Set<F>();
  const notDone = new Set<F>();
  for (const future of members) (future.done() ? done : notDone).add(future);
  return { done, notDone };
}

function some<F>(members: ReadonlySet<F>, predicate: (member: F) => boolean): boolean {
  for (const member of members) if (predicate(member)) return true;
  return false;
}
