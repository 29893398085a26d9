import type { BaseEventLoop } from "./base-events.ts";
import { RuntimeError } from "./errors.ts";
import { describeValue } from "./format-helpers.ts";

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

let installed: BaseEventLoop | null = null;
let everInstalled = false;

/**
 * Install the loop that `getEventLoop()` gives while none runs; null for none. It is not started. Throws TypeError if
 * `loop` is no loop. Python: `asyncio.set_event_loop`.
 */
export function setEventLoop(loop: BaseEventLoop | null): void {
  if (loop !== null) assertLoop(loop);
  installed = loop;
  everInstalled = true;
}

/** @internal Throws TypeError unless `value` is an event loop. */
export function assertLoop(value: unknown): asserts value is BaseEventLoop {
  const isLoop = typeof value === "object" && value !== null && "runForever" in value;
  if (!isLoop) throw new TypeError(`an event loop was expected, not ${describeValue(value)}`);
}

/** @internal The loop that runs or else is installed. Makes one with `factory` if {@link setEventLoop} was never called. */
export function currentLoop(factory: (() => BaseEventLoop) | null = null): BaseEventLoop {
  const loop = running ?? installed;
  if (loop !== null) return loop;
  if (factory === null || everInstalled) throw new RuntimeError("There is no current event loop");
  const made = factory();
  setEventLoop(made);
  return made;
}

/** @internal */
export function runningLoop(): BaseEventLoop | null {
  return running;
}

/** @internal */
export function setRunningLoop(loop: BaseEventLoop | null): void {
  running = loop;
}
