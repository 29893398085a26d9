import { inspect } from "node:util";
import { type Suspension, TurnIterator } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { setResultUnlessDone } from "../core/futures.ts";

/**
 * Wait for `delay` seconds, then give `result`. A delay of 0 or less lets the loop run one iteration.
 *
 * Throws TypeError if `delay` is not a number, ValueError if it is NaN. Cancel safety: the timer is dropped, nothing
 * is lost. Python: `asyncio.sleep`.
 */
export function sleep(delay: number): Coroutine<void>;
export function sleep<T>(delay: number, result: T): Coroutine<T>;
export function sleep<T>(delay: number, result?: T): Coroutine<T | undefined> {
  if (typeof delay !== "number") {
    throw new TypeError(`delay must be a number of seconds, not ${inspect(delay)}`);
  }
  if (Number.isNaN(delay)) throw new ValueError("Invalid delay: NaN (not a number)");
  return new Coroutine(delay > 0 ? pause(delay, result) : new TurnIterator(result), "sleep");
}

function* pause<T>(delay: number, result: T): Generator<Suspension, T, unknown> {
  const loop = getRunningLoop();
  const future = loop.createFuture<T>();
  const timer = loop.callLater(delay, setResultUnlessDone<T>, future, result);
  try {
    return yield* future;
  } finally {
    timer.cancel();
  }
}
