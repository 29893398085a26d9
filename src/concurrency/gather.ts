import type { BaseEventLoop } from "../core/base-events.ts";
import { CancelledError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Future, NO_ERROR } from "../core/futures.ts";
import { ensureFutures, type ResultOf, type Waitable } from "./ensure-future.ts";

export interface GatherOptions {
  /** Whether errors are items of the result, instead of failing the whole. */
  returnExceptions?: boolean;
}

type Results<A extends readonly Waitable[]> = { -readonly [K in keyof A]: ResultOf<A[K]> };
type SettledResults<A extends readonly Waitable[]> = { -readonly [K in keyof A]: ResultOf<A[K]> | Error };

/**
 * Wait for several at once; gives their results in the order of the arguments. Coroutines and functions become tasks;
 * a coroutine given twice runs once, a function twice.
 *
 * The first error is thrown on, while the others keep running; with `returnExceptions` errors are items of the
 * result. Cancelling the future cancels all that are not done; a member that is cancelled by itself counts as one that
 * threw CancelledError. Throws RuntimeError if no loop runs, TypeError for an argument that nobody can wait for.
 *
 * Cancel safety: results of members that were done are lost with the future; hold the tasks to keep them.
 * Python: `asyncio.gather`.
 */
export function gather<A extends readonly Waitable[]>(
  ...args: [...A, { returnExceptions: true }]
): Future<SettledResults<A>>;
export function gather<A extends readonly Waitable[]>(
  ...args: [...A, { returnExceptions: false }]
): Future<Results<A>>;
export function gather<A extends readonly Waitable[]>(
  ...args: [...A, { returnExceptions: boolean }]
): Future<SettledResults<A>>;
export function gather<A extends readonly Waitable[]>(...args: A): Future<Results<A>>;
export function gather(...args: readonly (Waitable | GatherOptions)[]): Future<unknown[]> {
  const [waitables, { returnExceptions = false }] = splitOptions(args);
  return gatherAll(waitables, returnExceptions);
}

/** @internal As `gather`, for more of them than a call can have arguments. */
export function gatherAll(waitables: readonly Waitable[], returnExceptions: boolean): Future<unknown[]> {
  const children = ensureFutures(waitables);
  const futures = new Set(children);
  const loop = children[0]?.loop ?? getRunningLoop();
  const outer = new GatheringFuture(loop, children, futures.size, returnExceptions);
  outer.begin(futures);
  return outer;
}

class GatheringFuture extends Future<unknown[]> {
  readonly #children: readonly Future<unknown>[];
  readonly #returnExceptions: boolean;
  #unfinished: number;
  #cancelRequested = false;

  constructor(
    loop: BaseEventLoop,
    children: readonly Future<unknown>[],
    count: number,
    returnExceptions: boolean,
  ) {
    super({ loop });
    this.members = children;
    this.#children = children;
    this.#unfinished = count;
    this.#returnExceptions = returnExceptions;
  }

  /** Those that are done already count at once, without a turn of the loop, but after all others have been set up. */
  begin(futures: Iterable<Future<unknown>>): void {
    const done: Future<unknown>[] = [];
    for (const future of futures) {
      if (future.done()) done.push(future);
      else future.observe(this.#childDone);
    }
    if (this.#unfinished === 0) this.setResult([]);
    for (const future of done) this.#childDone(future);
  }

  /** The members end, and then the gathering does: it is not cancelled before they are. */
  override cancel(message?: string): boolean {
    if (this.done()) return false;
    let cancelled = false;
    for (const child of this.#children) cancelled = child.cancel(message) || cancelled;
    if (cancelled) this.#cancelRequested = true;
    return cancelled;
  }

  readonly #childDone = (child: Future<unknown>): void => {
    this.#unfinished--;
    if (this.done()) {
      takeNote(child);
      return;
    }
    const error = this.#returnExceptions ? NO_ERROR : child.takeError();
    if (error !== NO_ERROR) this.#failWith(error);
    else if (this.#unfinished === 0) this.#complete();
  };

  /** The members go on. One that lives long may have many gatherings behind it: they leave one callback for all. */
  #failWith(error: unknown): void {
    this.fail(error);
    for (const child of this.#children) {
      if (child.done() || child.removeDoneCallback(this.#childDone) === 0) continue;
      child.removeDoneCallback(takeNote);
      child.observe(takeNote);
    }
  }

  /** A cancellation that was asked for wins over the results; its error is that of the last member, as in CPython. */
  #complete(): void {
    const results = this.#children.map(outcomeOf);
    if (this.#cancelRequested) this.fail(this.#children.at(-1)!.makeCancelledError());
    else this.finish(results);
  }
}

/** The error of a member whose gathering has failed before interests nobody. */
function takeNote(child: Future<unknown>): void {
  if (!child.cancelled()) child.exception();
}

function outcomeOf(child: Future<unknown>): unknown {
  if (child.cancelled()) return new CancelledError(child.cancelMessage);
  const error = child.takeError();
  return error === NO_ERROR ? child.result() : error;
}

function splitOptions(args: readonly (Waitable | GatherOptions)[]): [readonly Waitable[], GatherOptions] {
  const last = args.at(-1);
  if (typeof last === "object" && last !== null && "returnExceptions" in last) {
    return [args.slice(0, -1) as Waitable[], last];
  }
  return [args as Waitable[], {}];
}
