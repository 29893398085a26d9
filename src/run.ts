import { isMainThread } from "node:worker_threads";
import { BaseRunner, type RunnerOptions, type RunOptions } from "./concurrency/runners.ts";
import type { BaseEventLoop, CoroutineLike } from "./core/base-events.ts";
import { currentLoop, getRunningLoop as runningLoopOrThrow } from "./core/events.ts";
import { EventLoop, type EventLoopOptions } from "./event-loop.ts";

/**
 * Run `main` in a new loop, and give its result or throw its error; then cancel the tasks that are left, close the
 * async generators, and close the loop. This is how a program starts.
 *
 * ```ts
 * await run(async () => { await sleep(1); console.log("hello"); });
 * await run(serve, { signals: true, grace: 10 });   // Ctrl-C and SIGTERM shut down, within 10 seconds
 * ```
 *
 * `main` is a function of either flavour, or a coroutine. It is cancelled when `options.signal` aborts, and by the first
 * Ctrl-C, or the first of `options.signals`; if it ends by such a signal, `run` throws KeyboardInterrupt (SIGINT) or
 * SystemExit (the others). A second one exits at once with 128 + its number, 130 for SIGINT, and so does a clean-up that
 * takes longer than `options.grace` seconds.
 *
 * Rejects with RuntimeError if a loop runs already, TypeError if `main` is a promise or `signal` no AbortSignal, TypeError
 * or ValueError for `signals` and `grace` that make no sense. Python: `asyncio.run`, which blocks; JavaScript cannot, so
 * await it.
 */
export async function run<T>(main: CoroutineLike<T>, options: RunOptions = {}): Promise<T> {
  const { signal, ...rest } = options;
  await using runner = new Runner(rest);
  return await runner.run<T>(main, { signal });
}

/** The {@link BaseRunner} of a new `EventLoop`, or of what `loopFactory` makes. */
export class Runner extends BaseRunner {
  /** Throws as {@link BaseRunner} does. */
  constructor({ loopFactory = newEventLoop, ...options }: RunnerOptions = {}) {
    super({ loopFactory, ...options });
  }
}

/**
 * The loop that runs in this thread. Throws RuntimeError if none does.
 *
 * As long as a loop runs, this is it for every function in the thread, not only for tasks and callbacks. For a loop of
 * another class, name that: `getRunningLoop<MyLoop>()`. Python: `asyncio.get_running_loop`.
 */
export function getRunningLoop<L extends BaseEventLoop = EventLoop>(): L {
  return runningLoopOrThrow() as L;
}

/**
 * The loop that runs, else the one that `setEventLoop` has installed. Where that was never called, a new one is
 * installed, in the main thread; RuntimeError otherwise. In coroutines and callbacks, {@link getRunningLoop} says more
 * clearly what is meant. Python: `asyncio.get_event_loop`.
 */
export function getEventLoop<L extends BaseEventLoop = EventLoop>(): L {
  return currentLoop(isMainThread ? newEventLoop : null) as L;
}

/** A new loop, which does not run yet. Python: `asyncio.new_event_loop`. */
export function newEventLoop(options: EventLoopOptions = {}): EventLoop {
  return new EventLoop(options);
}
