import type { BaseEventLoop, CoroutineLike } from "../core/base-events.ts";
import { type Context, copyContext } from "../core/contextvars.ts";
import { toCoroutine } from "../core/coroutines.ts";
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

/**
 * One loop and one context for several runs, and their clean-up at the end: what `run` does once. The loop is made
 * when it is first needed. Python: `asyncio.Runner`.
 *
 * ```ts
 * await using runner = new Runner();
 * await runner.run(async () => { … });
 * await runner.run(async () => { … });
 * ```
 */
export abstract class BaseRunner implements AsyncDisposable {
  readonly #loopFactory: () => BaseEventLoop;
  readonly #debug: boolean | undefined;
  #loop: BaseEventLoop | null = null;
  #context: Context | null = null;
  #closed = false;

  constructor({ debug, loopFactory }: RunOptions & { loopFactory: () => BaseEventLoop }) {
    this.#debug = debug;
    this.#loopFactory = loopFactory;
  }

  /** The runner's loop. Throws RuntimeError once the runner is closed. Python: `Runner.get_loop`. */
  getLoop(): BaseEventLoop {
    if (this.#closed) throw new RuntimeError("Runner is closed");
    if (this.#loop === null) {
      this.#loop = this.#loopFactory();
      if (this.#debug !== undefined) this.#loop.setDebug(this.#debug);
      this.#context = copyContext();
    }
    return this.#loop;
  }

  /**
   * Run `main`, a function of either flavour or a coroutine, and give its result or throw its error. It runs in the
   * runner's context, so that variables set by one run are there in the next, or in `options.context`.
   *
   * The first Ctrl-C cancels the main task, and KeyboardInterrupt is thrown if it ends by that; a second one exits with
   * 130. Where the program handles SIGINT itself, it is left alone. Rejects with RuntimeError if a loop runs already or
   * the runner is closed, TypeError if `main` is a promise. Python: `Runner.run`.
   */
  async run<T>(main: CoroutineLike<T>, options: { context?: Context | undefined } = {}): Promise<T> {
    if (runningLoop() !== null) {
      throw new RuntimeError("run() cannot be called from a running event loop; await the coroutine instead");
    }
    const coroutine = toCoroutine<T>(main);
    const loop = this.getLoop();
    return await interruptible(
      loop,
      loop.createTask(coroutine, { context: options.context ?? this.#context! }),
    );
  }

  /**
   * Cancel the tasks that are left and report their errors, close the async generators, close the loop. The runner
   * cannot be used again. Nothing happens if it never had a loop, or is closed. Python: `Runner.close`.
   */
  async close(): Promise<void> {
    const loop = this.#loop;
    if (this.#closed || loop === null) return;
    this.#closed = true;
    try {
      await cancelAllTasks(loop);
      await loop.runUntilComplete(loop.shutdownAsyncgens());
    } finally {
      loop.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    const state = this.#closed ? "closed" : this.#loop === null ? "created" : "initialized";
    return `<Runner ${state}>`;
  }
}

/**
 * Ctrl-C cancels the main task, which can clean up; if that is how it ends, the run ends with KeyboardInterrupt. A
 * second Ctrl-C ends the process.
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
