import { inspect } from "node:util";
import { isThenable } from "../core/awaitables.ts";
import { Coroutine, iscoroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { type Future, NO_ERROR, setResultUnlessDone } from "../core/futures.ts";
import { assertCollection, ensureFuture } from "./ensure-future.ts";
import { assertSeconds } from "./timeouts.ts";

/** For `wait`: until one of them is done. Python: `asyncio.FIRST_COMPLETED`. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** For `wait`: until one of them has thrown, or all are done. Python: `asyncio.FIRST_EXCEPTION`. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** For `wait`: until all are done. Python: `asyncio.ALL_COMPLETED`. */
export const ALL_COMPLETED = "ALL_COMPLETED";

export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

export interface WaitOptions {
  /** Seconds to wait at the longest; null, the default, for ever. */
  timeout?: number | null;
  /** What to wait for; {@link ALL_COMPLETED} by default. */
  returnWhen?: ReturnWhen;
}

/** The future by which `wait` names one of its arguments. */
export type FutureOf<W> = W extends Future<unknown> ? W : W extends PromiseLike<infer T> ? Future<T> : never;

/**
 * Wait until all of `futures` are done, or the first one, or the time is over; gives those that are done and those
 * that are not. It neither throws when the time is over nor cancels anything. Promises are followed by futures.
 *
 * Throws TypeError for a lone future, for coroutines, which must be made into tasks, and if `timeout` is not a number;
 * ValueError if there are none, `returnWhen` is unknown, `timeout` is NaN or a future belongs to another loop. Cancel safety: nothing is lost, the futures are left alone. Python: `asyncio.wait`.
 */
export function wait<W extends Future<unknown> | PromiseLike<unknown>>(
  futures: Iterable<W>,
  options: WaitOptions = {},
): Coroutine<{ done: Set<FutureOf<W>>; pending: Set<FutureOf<W>> }> {
  const { timeout = null, returnWhen = ALL_COMPLETED } = options;
  assertSeconds(timeout);
  const members = collect(futures);
  if (members.length === 0) throw new ValueError("Set of Tasks/Futures is empty.");
  if (returnWhen !== FIRST_COMPLETED && returnWhen !== FIRST_EXCEPTION && returnWhen !== ALL_COMPLETED) {
    throw new ValueError(`Invalid returnWhen value: ${inspect(returnWhen)}`);
  }
  return new Coroutine(() => waitAndSort(members, timeout, returnWhen), "wait");
}

function* waitAndSort<W extends Future<unknown> | PromiseLike<unknown>>(
  members: readonly W[],
  timeout: number | null,
  returnWhen: ReturnWhen,
) {
  const loop = getRunningLoop();
  const futures = new Set(members.map((member) => ensureFuture(member, { loop }) as Future<unknown>));
  yield* waitUntil(futures, timeout, returnWhen);
  const done = new Set<FutureOf<W>>();
  const pending = new Set<FutureOf<W>>();
  for (const future of futures) (future.done() ? done : pending).add(future as FutureOf<W>);
  return { done, pending };
}

function* waitUntil(futures: Set<Future<unknown>>, timeout: number | null, returnWhen: ReturnWhen) {
  const loop = getRunningLoop();
  const waiter = loop.createFuture<void>();
  waiter.members = futures;
  const release = () => {
    setResultUnlessDone(waiter, undefined);
  };
  const timer = timeout === null ? null : loop.callLater(timeout, release);
  let left = futures.size;
  const onCompletion = (future: Future<unknown>) => {
    left--;
    const failed = () => !future.cancelled() && future.takeError() !== NO_ERROR;
    if (left > 0 && returnWhen !== FIRST_COMPLETED && !(returnWhen === FIRST_EXCEPTION && failed())) return;
    timer?.cancel();
    release();
  };
  for (const future of futures) future.observe(onCompletion);
  try {
    yield* waiter;
  } finally {
    timer?.cancel();
    for (const future of futures) future.removeDoneCallback(onCompletion);
  }
}

function collect<W>(futures: Iterable<W>): W[] {
  assertCollection(futures, "futures");
  const members = [...futures];
  for (const member of members) {
    if (iscoroutine(member)) {
      throw new TypeError(`Passing coroutines is forbidden, use tasks explicitly: ${inspect(member)}`);
    }
    if (!isThenable(member)) throw new TypeError(`futures were expected, not ${inspect(member)}`);
  }
  return members;
}
