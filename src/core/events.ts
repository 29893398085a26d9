import type { BaseEventLoop } from "./base-events.ts";
import { RuntimeError } from "./errors.ts";

let running: BaseEventLoop | null = null;

/**
 * The loop that runs in this thread. Throws RuntimeError if none does.
 *
 * As long as a loop runs, this is it for every function in the thread, not only for tasks and callbacks.
 * Python: `asyncio.get_running_loop`.
 */
export function getRunningLoop(): BaseEventLoop {
  if (running === null) throw new RuntimeError("no running event loop");
  return running;
}

/** @internal */
export function runningLoop(): BaseEventLoop | null {
  return running;
}

/** @internal */
export function setRunningLoop(loop: BaseEventLoop | null): void {
  running = loop;
}
