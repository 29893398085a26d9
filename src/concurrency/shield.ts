import { Future, NO_ERROR } from "../core/futures.ts";
import { ensureFuture, type ResultOf, type Waitable } from "./ensure-future.ts";

/**
 * A future that follows `waitable` but does not pass cancellation on to it: whoever waits can be cancelled, while the
 * work goes on. If the work itself is cancelled, so is the future.
 *
 * Throws as `ensureFuture` does. Cancel safety: the work is not touched; hold on to its task to get the result, an
 * error that nobody retrieves is reported. Python: `asyncio.shield`.
 */
export function shield<W extends Waitable>(waitable: W): Future<ResultOf<W>> {
  const inner = ensureFuture(waitable) as Future<ResultOf<W>>;
  if (inner.done()) return inner;
  const outer = new Future<ResultOf<W>>({ loop: inner.loop });
  outer.members = [inner];
  const follow = () => {
    if (outer.cancelled()) {
      if (!inner.cancelled()) inner.exception();
    } else if (inner.cancelled()) {
      outer.cancel();
    } else {
      const error = inner.takeError();
      if (error === NO_ERROR) outer.setResult(inner.result());
      else outer.setException(error);
    }
  };
  inner.addDoneCallback(follow);
  outer.addDoneCallback(() => {
    if (!inner.done()) inner.removeDoneCallback(follow);
  });
  return outer;
}
