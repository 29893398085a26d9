import type { BaseEventLoop, CoroutineLike } from "../core/base-events.ts";
import { CancelledError, KeyboardInterrupt, RuntimeError } from "../core/errors.ts";
import { runningLoop } from "../core/events.ts";
import { NO_ERROR } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";
import { gatherAll } from "./gather.ts";

export interface RunOptions {
  /** Debug mode on or off; by default as the environment's `ASYNCIO_DEBUG` says. */
  debug?: boolean | undefined;
  /** Makes the loop; by default a new `EventLoop`. */
  loopFactory?: (() => BaseEventLoop) | undefined;
}

/** What a process ended by Ctrl-C exits with: 128 and the number of SIGINT. */
const EXIT_CODE_OF_SIGINT = 130;

/** Run `main` in a new loop, and clean up: the work of `run`. */
export async function runIn<T>(
  loopFactory: () => BaseEventLoop,
  main: CoroutineLike<T>,
  { debug }: RunOptions,
): Promise<T> {
  if (runningLoop() !== null) {
    throw new RuntimeError(
      "asyncio.run() cannot be called from a running event loop; await the coroutine instead",
    );
  }
  const loop = loopFactory();
  try {
    if (debug !== undefined) loop.setDebug(debug);
    return await interruptible(loop, loop.createTask<T>(main));
  } finally {
    await shutDown(loop);
  }
}

/**
 * Ctrl-C cancels the main task, which can clean up; if that is how it ends, the run ends with KeyboardInterrupt. A
 * second Ctrl-C ends the process. Where the program handles SIGINT itself, it is left alone.
 */
async function interruptible<T>(loop: BaseEventLoop, main: Task<T>): Promise<T> {
  let interrupts = 0;
  const onSigint = () => {
    if (++interrupts > 1) process.exit(EXIT_CODE_OF_SIGINT);
    main.cancel();
  };
  const isOurs = process.listenerCount("SIGINT") === 0;
  if (isOurs) process.on("SIGINT", onSigint);
  try {
    return await loop.runUntilComplete(main);
  } catch (error) {
    if (interrupts > 0 && error instanceof CancelledError && main.uncancel() === 0) {
      throw new KeyboardInterrupt();
    }
    throw error;
  } finally {
    process.off("SIGINT", onSigint);
  }
}

async function shutDown(loop: BaseEventLoop): Promise<void> {
  try {
    await cancelAllTasks(loop);
    await loop.runUntilComplete(loop.shutdownAsyncgens());
  } finally {
    loop.close();
  }
}

async function cancelAllTasks(loop: BaseEventLoop): Promise<void> {
  const tasks = [...loop.tasks];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancel();
  await loop.runUntilComplete(gatherAll(tasks, true));
  for (const task of tasks) {
    if (task.cancelled()) continue;
    const exception = task.takeError();
    if (exception === NO_ERROR) continue;
    loop.callExceptionHandler({
      message: "unhandled exception during asyncio.run() shutdown",
      exception,
      task,
    });
  }
}
