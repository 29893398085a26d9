import { assertSignal } from "../core/abort-signals.ts";
import type { BaseEventLoop, CoroutineLike } from "../core/base-events.ts";
import { THREAD_JOIN_TIMEOUT } from "../core/constants.ts";
import { type Context, copyContext } from "../core/contextvars.ts";
import { toCoroutine } from "../core/coroutines.ts";
import { RuntimeError } from "../core/errors.ts";
import { runningLoop } from "../core/events.ts";
import { NO_ERROR } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import { gatherAll } from "./gather.ts";
import { type InterruptOptions, Interrupts } from "./interrupts.ts";

export interface RunnerOptions extends InterruptOptions {
  /** Debug mode on or off; by default as the environment's `ASYNCIO_DEBUG` says. */
  debug?: boolean | undefined;
  /** Makes the loop; by default a new `EventLoop`. */
  loopFactory?: (() => BaseEventLoop) | undefined;
}

export interface RunOptions extends RunnerOptions {
  /** Cancels the main task when it aborts. */
  signal?: AbortSignal | undefined;
}

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
export abstract class BaseRunner extends Inspectable implements AsyncDisposable {
  readonly #loopFactory: () => BaseEventLoop;
  readonly #debug: boolean | undefined;
  readonly #interrupts: Interrupts;
  #loop: BaseEventLoop | null = null;
  #context: Context | null = null;
  #closed = false;

  /**
   * Throws TypeError if `signals` is no list of names or `grace` no number, ValueError for a signal that does not exist
   * or that nobody can catch, and for a grace that is not positive.
   */
  constructor({ debug, loopFactory, ...interrupts }: RunnerOptions & { loopFactory: () => BaseEventLoop }) {
    super();
    this.#interrupts = new Interrupts(interrupts);
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
   * The first of the runner's signals (Ctrl-C, by default) cancels the main task. If it ends by that, KeyboardInterrupt
   * is thrown for SIGINT, SystemExit with 128 + the signal's number for the others; nobody catching it, the process ends
   * with that code. A second signal exits at once. Where the program handles a signal itself, it is left alone.
   *
   * The main task is also cancelled when `options.signal` aborts. Rejects with RuntimeError if a loop runs already or
   * the runner is closed, TypeError if `main` is a promise or `options.signal` no AbortSignal. Python: `Runner.run`.
   */
  async run<T>(
    main: CoroutineLike<T>,
    options: { context?: Context | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    if (runningLoop() !== null) {
      throw new RuntimeError("run() cannot be called from a running event loop; await the coroutine instead");
    }
    const { signal } = options;
    if (signal !== undefined) assertSignal(signal);
    const coroutine = toCoroutine<T>(main);
    const loop = this.getLoop();
    const context = options.context ?? this.#context!;
    return await this.#interrupts.duringRun(loop, loop.createTask(coroutine, { context, signal }));
  }

  /**
   * Cancel the tasks that are left and report their errors, close the async generators, wait for the default executor (at
   * most 300 s), close the loop. The runner cannot be used again. Nothing happens if it never had a loop, or is closed. After a run that a signal ended, what is
   * left of `grace` limits this too. Python: `Runner.close`.
   */
  async close(): Promise<void> {
    const loop = this.#loop;
    if (this.#closed || loop === null) return;
    this.#closed = true;
    try {
      await this.#interrupts.duringCleanUp(loop, () => cleanUp(loop));
    } finally {
      loop.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  override toString(): string {
    const state = this.#closed ? "closed" : this.#loop === null ? "created" : "initialized";
    return `<Runner ${state}>`;
  }
}

async function cleanUp(loop: BaseEventLoop): Promise<void> {
  await cancelAllTasks(loop);
  await loop.runUntilComplete(loop.shutdownAsyncgens());
  await loop.runUntilComplete(loop.shutdownDefaultExecutor(THREAD_JOIN_TIMEOUT));
}

async function cancelAllTasks(loop: BaseEventLoop): Promise<void> {
  const tasks = [...loop.tasks];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancelAnyway();
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
