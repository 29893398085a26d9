import { isThenable } from "../core/awaitables.ts";
import { Coroutine, iscoroutine, toCoroutine } from "../core/coroutines.ts";
import { CancelledError, RuntimeError, TimeoutError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Future, setResultUnlessDone } from "../core/futures.ts";
import { ensureFuture, type ResultOf, type Waitable } from "./ensure-future.ts";
import { assertSeconds, timeout } from "./timeouts.ts";

/**
 * Wait for `waitable`, for `seconds` at the longest (null: for ever); gives its result. When the time is over it is
 * cancelled, and when it has ended TimeoutError is thrown, or its value given if it did not heed the cancellation.
 *
 * With a timeout of 0 or less the value is given only if it is there already; a coroutine is not even started. Throws
 * TypeError if nobody can wait for `waitable`, ValueError if `seconds` is NaN. Cancel safety: cancelling cancels
 * `waitable` too; wrap it in `shield` to keep it. Python: `asyncio.wait_for`.
 */
export function waitFor<W extends Waitable>(waitable: W, seconds: number | null): Coroutine<ResultOf<W>> {
  assertSeconds(seconds);
  const awaitable = interruptible(waitable) as Future<ResultOf<W>> | Coroutine<ResultOf<W>>;
  if (seconds !== null && seconds <= 0) {
    return new Coroutine(() => expireAtOnce(ensureFuture(awaitable)), "waitFor");
  }
  return new Coroutine(() => timeout(seconds, () => awaitable), "waitFor");
}

function interruptible(waitable: Waitable): Future<unknown> | Coroutine<unknown> {
  if (waitable instanceof Future || waitable instanceof Coroutine) return waitable;
  if (iscoroutine(waitable) || typeof waitable === "function") return toCoroutine<unknown>(waitable);
  if (isThenable(waitable)) return ensureFuture(waitable) as Future<unknown>;
  return toCoroutine<unknown>(waitable);
}

function* expireAtOnce<T>(future: Future<T>) {
  if (future.done()) return future.result();
  yield* cancelAndWait(future);
  try {
    return future.result();
  } catch (error) {
    throw error instanceof CancelledError ? new TimeoutError(undefined, { cause: error }) : error;
  }
}

function* cancelAndWait(future: Future<unknown>) {
  const loop = getRunningLoop();
  if (future.loop !== loop) throw new RuntimeError(`${future} is attached to a different loop`);
  const waiter = loop.createFuture<void>();
  waiter.members = [future];
  const release = () => {
    setResultUnlessDone(waiter, undefined);
  };
  future.observe(release);
  try {
    future.cancel();
    yield* waiter;
  } finally {
    future.removeDoneCallback(release);
  }
}
