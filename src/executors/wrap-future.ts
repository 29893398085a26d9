import type { BaseEventLoop } from "../core/base-events.ts";
import { currentLoop } from "../core/events.ts";
import { describeValue } from "../core/format-helpers.ts";
import { Future, NO_ERROR } from "../core/futures.ts";
import { Handle } from "../core/handles.ts";
import type { ConcurrentFuture } from "./futures.ts";

/**
 * A future of `loop`, by default the running one, that follows `future`, and cancels it when it is cancelled itself. A
 * future or task is given back as it is. If the loop was closed when the outcome comes, that is dropped.
 *
 * Throws TypeError for anything else, RuntimeError if no loop is given and none runs. Python: `asyncio.wrap_future`.
 */
export function wrapFuture<T>(
  future: ConcurrentFuture<T> | Future<T>,
  { loop = currentLoop() }: { loop?: BaseEventLoop } = {},
): Future<T> {
  if (future instanceof Future) return future;
  if (typeof future?.setRunningOrNotifyCancel !== "function") {
    throw new TypeError(`a concurrent future was expected, not ${describeValue(future)}`);
  }
  const follower = loop.createFuture<T>();
  const subject = new Handle(() => future.cancel(), [], loop);
  // Most are not cancelled: then no code of the program's runs, which would have to be run as a callback.
  const cancel = () => {
    if (follower.cancelled()) subject.run();
  };
  follower.addWaiter({ run: cancel, subject });
  future.addDoneCallback(() => loop.enqueue({ run: () => follow(follower, future) }));
  return follower;
}

function follow<T>(follower: Future<T>, future: ConcurrentFuture<T>): void {
  if (follower.done()) return;
  if (future.cancelled()) {
    follower.cancel();
    return;
  }
  if (future.failure === NO_ERROR) follower.setResult(future.result());
  else follower.setException(future.failure);
}
