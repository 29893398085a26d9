import { inspect } from "node:util";
import { assertSeconds } from "../core/callback-arguments.ts";
import { TimeoutError, ValueError } from "../core/errors.ts";
import { NO_ERROR } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import { Deque } from "../sync/deque.ts";
import { Deadline } from "./deadline.ts";
import { ConcurrentFuture } from "./futures.ts";
import { assertCount } from "./options.ts";

export interface MapOptions {
  /** Seconds from the call of `map` on, after which iterating throws TimeoutError; null, the default, for no limit. */
  timeout?: number | null | undefined;
  /** How many calls a worker is given at once; 1 by default. For many short calls. An error in one is that of all. */
  chunksize?: number | undefined;
  /** How many calls (or chunks) may be under way before a result is taken; null, the default, for all of them. */
  buffersize?: number | null | undefined;
}

interface CheckedOptions {
  readonly timeout: number | null;
  readonly chunksize: number;
  readonly buffersize: number | null;
}

/** Something to iterate over for each parameter. */
export type IterablesOf<A extends unknown[]> = { [K in keyof A]: Iterable<A[K]> };

/** Takes apart what `map` was given behind the work. Throws TypeError or ValueError for what makes no sense. */
export function mapArguments<A extends unknown[]>(
  args: readonly unknown[],
): { calls: Iterator<A>; options: CheckedOptions } {
  const last = args.at(-1);
  const hasOptions = typeof last === "object" && last !== null && !(Symbol.iterator in last);
  const iterables = (hasOptions ? args.slice(0, -1) : args) as Iterable<unknown>[];
  for (const one of iterables) {
    if (typeof Object(one)[Symbol.iterator] !== "function") {
      throw new TypeError(`map() needs something to iterate over, not ${inspect(one)}`);
    }
  }
  const { timeout = null, chunksize = 1, buffersize = null }: MapOptions = hasOptions ? last : {};
  if (timeout !== null) assertSeconds(timeout, "timeout");
  assertCount(chunksize, "chunksize");
  if (buffersize !== null) assertCount(buffersize, "buffersize");
  return { calls: zip(iterables) as Iterator<A>, options: { timeout, chunksize, buffersize } };
}

function* zip(iterables: readonly Iterable<unknown>[]): Generator<unknown[], void> {
  if (iterables.length === 0) throw new ValueError("map() needs something to iterate over");
  const iterators = iterables.map((one) => one[Symbol.iterator]());
  try {
    for (;;) {
      const items: unknown[] = [];
      for (const iterator of iterators) {
        const { done, value } = iterator.next();
        if (done) return;
        items.push(value);
      }
      yield items;
    }
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}

/** Where a result will be. */
interface Place<R> {
  readonly future: ConcurrentFuture<R | R[]>;
  /** Its index in the results of a chunk; null if the future has but one. */
  readonly index: number | null;
  /** Whether the chunk has no more. */
  readonly last: boolean;
}

type Submit<R> = (calls: readonly unknown[][]) => readonly ConcurrentFuture<R>[] | ConcurrentFuture<R[]>;

type Item<R> = IteratorResult<R, undefined>;

/** The results of `Executor.map`, in the order of the items. `for await`, or in generators `yield* results.next()`. */
export class MapResults<R> extends Inspectable implements AsyncIterableIterator<R, undefined> {
  readonly #calls: Iterator<unknown[]>;
  readonly #chunksize: number;
  readonly #submit: Submit<R>;
  readonly #deadline: Deadline;
  readonly #places = new Deque<Place<R>>();

  /** @internal */
  constructor(calls: Iterator<unknown[]>, options: CheckedOptions, submit: Submit<R>) {
    super();
    this.#calls = calls;
    this.#chunksize = options.chunksize;
    this.#submit = submit;
    this.#deadline = new Deadline(options.timeout);
    try {
      for (let left = options.buffersize ?? Number.POSITIVE_INFINITY; left > 0 && this.#submitNext(); left--);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next result. Cancel safety: what has not begun is cancelled, and the iteration is over. */
  next(): ConcurrentFuture<Item<R>> {
    const next = new ConcurrentFuture<Item<R>>();
    if (this.#places.length === 0) {
      next.setResult({ done: true, value: undefined });
      return next;
    }
    const { future, index, last } = this.#places.shift();
    next.addDoneCallback(() => {
      if (!next.cancelled() && next.failure === NO_ERROR) return;
      future.cancel();
      this.#end();
    });
    try {
      if (last) this.#submitNext();
    } catch (error) {
      next.setException(error);
      return next;
    }
    this.#deadline.reach(next, () =>
      next.setException(new TimeoutError("not all results of map() have come")),
    );
    future.addDoneCallback(() => {
      if (!next.done()) this.#give(next, future, index);
    });
    return next;
  }

  /** End the iteration: what has not begun is cancelled. */
  async return(): Promise<Item<R>> {
    this.#end();
    return { done: true, value: undefined };
  }

  #give(next: ConcurrentFuture<Item<R>>, future: ConcurrentFuture<R | R[]>, index: number | null): void {
    if (future.cancelled()) {
      next.cancel();
      return;
    }
    if (future.failure !== NO_ERROR) {
      next.setException(future.failure);
      return;
    }
    const result = future.result();
    next.setResult({ done: false, value: (index === null ? result : (result as R[])[index]) as R });
  }

  /** Returns whether there was something left to submit. */
  #submitNext(): boolean {
    const calls: unknown[][] = [];
    while (calls.length < this.#chunksize) {
      const { done, value } = this.#calls.next();
      if (done) break;
      calls.push(value);
    }
    if (calls.length === 0) return false;
    const submitted = this.#submit(calls);
    if (submitted instanceof ConcurrentFuture) {
      for (const index of calls.keys())
        this.#places.push({ future: submitted, index, last: index === calls.length - 1 });
    } else {
      for (const future of submitted) this.#places.push({ future, index: null, last: true });
    }
    return true;
  }

  #end(): void {
    while (this.#places.length > 0) this.#places.shift().future.cancel();
    this.#calls.return?.();
  }

  override toString(): string {
    return `<MapResults left=${this.#places.length}>`;
  }
}
