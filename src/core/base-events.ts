import { inspect } from "node:util";
import { AsyncGens, closeAll } from "./asyncgens.ts";
import { isThenable, type Suspension } from "./awaitables.ts";
import { Context } from "./contextvars.ts";
import { Coroutine, type CoroutineBody, toCoroutine, watchNewborn } from "./coroutines.ts";
import type { Driver } from "./driver.ts";
import { isFatal, type KeyboardInterrupt, RuntimeError, type SystemExit, ValueError } from "./errors.ts";
import { runningLoop, setRunningLoop } from "./events.ts";
import type { ExceptionContext, ExceptionHandler } from "./exception-context.ts";
import { Future } from "./futures.ts";
import { type Callback, Handle, type Runnable, TimerHandle } from "./handles.ts";
import { logger } from "./log.ts";
import { Obligations } from "./obligations.ts";
import { Scheduler } from "./scheduler.ts";
import { Task } from "./tasks.ts";
import type { Timers } from "./timers.ts";

/** What can be made into a task: a coroutine, a generator, or a function of either flavour, uncalled. */
export type CoroutineLike<T> = Coroutine<T> | Generator<Suspension, T, unknown> | (() => CoroutineBody<T>);

export interface TaskOptions {
  /** The task's name; `Task-N` by default. */
  name?: string | undefined;
  /** The context to run in; a copy of the current one by default. */
  context?: Context | undefined;
  /** Whether the task begins at once, instead of in the next iteration; only if the loop runs. */
  eagerStart?: boolean | undefined;
  /** Cancels the task when it aborts. */
  signal?: AbortSignal | undefined;
}

/** Makes the loop's tasks. Python: the function given to `loop.set_task_factory`. */
export type TaskFactory = <T>(loop: BaseEventLoop, coroutine: Coroutine<T>, options: TaskOptions) => Task<T>;

/** The last argument of `callSoon` and its kin may be this, and nothing else, to choose the context. */
export interface ContextOption {
  context: Context;
}

/**
 * The scheduler: CPython's order, exactly. Its time and its wake-ups come from a {@link Driver}; it knows neither
 * sockets nor Node's handles.
 *
 * One iteration: drop cancelled timers, queue the callbacks of ready I/O, queue the timers that are due, then run what
 * is queued now; what that queues waits for the next iteration. Python: `asyncio.BaseEventLoop`.
 */
export class BaseEventLoop {
  /** @internal Pending tasks, oldest first. The loop keeps them: a task never vanishes. */
  readonly tasks = new Set<Task<unknown>>();
  /** @internal */
  readonly asyncgens = new AsyncGens();
  /** @internal */
  readonly obligations = new Obligations(this);
  readonly #driver: Driver;
  readonly #scheduler: Scheduler;
  #closed = false;
  #debug = Boolean(process.env.ASYNCIO_DEBUG);
  #exceptionHandler: ExceptionHandler | null = null;
  #taskFactory: TaskFactory | null = null;

  constructor(driver: Driver) {
    this.#driver = driver;
    this.#scheduler = new Scheduler(driver, () => watchNewborn(this));
  }

  /** @internal */
  get timers(): Timers {
    return this.#scheduler.timers;
  }

  /** The loop's clock, in seconds: monotonic, from an arbitrary start. Python: `loop.time`. */
  time(): number {
    return this.#driver.time();
  }

  /** Whether the loop runs. Python: `loop.is_running`. */
  isRunning(): boolean {
    return this.#scheduler.running;
  }

  /** Whether the loop was closed. Python: `loop.is_closed`. */
  isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Run until {@link stop} is called; the promise resolves then. It rejects with RuntimeError if the loop is closed, or
   * if this or another loop runs already, and with KeyboardInterrupt or SystemExit if one was thrown.
   * Python: `loop.run_forever`.
   */
  async runForever(): Promise<void> {
    this.#assertOpen();
    this.#assertNotRunning();
    setRunningLoop(this);
    try {
      await this.#scheduler.run();
    } finally {
      setRunningLoop(null);
    }
  }

  /**
   * Run until `main` is done, and return its result or throw its error. `main` may be a future, or anything that can
   * become a task. Rejects with RuntimeError as {@link runForever} does, and if `stop()` was called before `main` was
   * done. Python: `loop.run_until_complete`.
   */
  async runUntilComplete<T>(main: Future<T> | CoroutineLike<T>): Promise<T> {
    this.#assertOpen();
    this.#assertNotRunning();
    const isNew = !(main instanceof Future);
    const future = isNew ? this.createTask(main) : main;
    if (future.loop !== this) throw new ValueError(`${future} belongs to a different loop`);
    const stop = () => this.stop();
    future.addDoneCallback(stop);
    try {
      await this.runForever();
    } catch (error) {
      if (isNew && future.done() && !future.cancelled()) future.exception();
      throw error;
    } finally {
      future.removeDoneCallback(stop);
    }
    if (!future.done()) throw new RuntimeError("Event loop stopped before Future completed.");
    return future.result();
  }

  /** Leave at the end of this iteration; what is queued meanwhile stays queued. Python: `loop.stop`. */
  stop(): void {
    this.#scheduler.stop();
  }

  /**
   * Drop everything that is queued, and give back what the loop holds. It cannot be used again. Tasks that are still
   * pending, errors that nobody looked at and coroutines that nobody awaited are reported to the exception handler.
   * Throws RuntimeError if the loop runs. Python: `loop.close`.
   */
  close(): void {
    if (this.isRunning()) throw new RuntimeError("Cannot close a running event loop");
    if (this.#closed) return;
    watchNewborn(this);
    for (const task of this.tasks) {
      this.callExceptionHandler({ message: "Task was destroyed but it is pending!", task });
    }
    this.obligations.callIn();
    this.#closed = true;
    this.#scheduler.clear();
    this.tasks.clear();
  }

  /** Close the loop at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Call `callback(...args)` in the next iteration, after what is queued already. A last argument `{context}` chooses
   * the context, by default a copy of the current one. Returns a handle to cancel it with.
   *
   * An error that the callback throws goes to the exception handler. Throws RuntimeError if the loop is closed,
   * TypeError if `callback` is not a function. Python: `loop.call_soon`.
   */
  callSoon<A extends unknown[]>(callback: Callback<A>, ...args: NoInfer<A | [...A, ContextOption]>): Handle {
    this.#assertOpen();
    assertCallback(callback, "callSoon");
    const [rest, context] = splitContext(args);
    const handle = new Handle(callback as Callback, rest, this, context);
    this.enqueue(handle);
    return handle;
  }

  /**
   * Call `callback(...args)` after `delay` seconds: in the next iteration, behind what is queued, if that is 0 or less.
   * Throws as {@link callSoon} does; TypeError if `delay` is not a number, ValueError if it is NaN.
   * Python: `loop.call_later`.
   */
  callLater<A extends unknown[]>(
    delay: number,
    callback: Callback<A>,
    ...args: NoInfer<A | [...A, ContextOption]>
  ): TimerHandle {
    assertSeconds(delay, "delay");
    return this.callAt(this.time() + delay, callback, ...args);
  }

  /** As {@link callLater}, at the time `when` of the loop's clock, in seconds. Python: `loop.call_at`. */
  callAt<A extends unknown[]>(
    when: number,
    callback: Callback<A>,
    ...args: NoInfer<A | [...A, ContextOption]>
  ): TimerHandle {
    this.#assertOpen();
    assertSeconds(when, "when");
    assertCallback(callback, "callAt");
    const [rest, context] = splitContext(args);
    const timer = new TimerHandle(when, callback as Callback, rest, this, context);
    this.#scheduler.schedule(timer);
    return timer;
  }

  /** A future that belongs to this loop. Python: `loop.create_future`. */
  createFuture<T = unknown>(): Future<T> {
    return new Future<T>({ loop: this });
  }

  /**
   * Run `coroutine` in a task of its own, from the next iteration on, or at once with `options.eagerStart`. Takes a coroutine, a generator, or a function of
   * either flavour that is yet to be called. Throws TypeError for anything else, a promise above all; RuntimeError if
   * the loop is closed, or the coroutine was awaited before. Python: `loop.create_task`.
   */
  createTask<T>(coroutine: CoroutineLike<T>, options: TaskOptions = {}): Task<T> {
    this.#assertOpen();
    const made = toCoroutine<T>(coroutine);
    if (this.#taskFactory !== null) return this.#taskFactory(this, made, options);
    return new Task(made, { loop: this, ...options });
  }

  /** Have `factory` make the loop's tasks; null for the usual ones. TypeError if it is no function. Python: `loop.set_task_factory`. */
  setTaskFactory(factory: TaskFactory | null): void {
    if (factory !== null) assertCallback(factory, "setTaskFactory");
    this.#taskFactory = factory;
  }

  /** The task factory, or null. Python: `loop.get_task_factory`. */
  getTaskFactory(): TaskFactory | null {
    return this.#taskFactory;
  }

  /** Close every async generator that was begun and not finished; their errors are reported. Python: `loop.shutdown_asyncgens`. */
  shutdownAsyncgens(): Coroutine<void> {
    return new Coroutine(() => closeAll(this), "shutdownAsyncgens");
  }

  /** Have `handler(loop, context)` told of errors that nobody else can be given; null for the usual one, which logs them. Python: `loop.set_exception_handler`. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null) assertCallback(handler, "setExceptionHandler");
    this.#exceptionHandler = handler;
  }

  /** The handler that was set, or null. Python: `loop.get_exception_handler`. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  /** Log `context` as an error. For a handler that leaves some of them to the default. Python: `loop.default_exception_handler`. */
  defaultExceptionHandler(context: ExceptionContext): void {
    const { message, exception, ...details } = context;
    const lines = Object.keys(details)
      .sort()
      .map((key) => `${key}: ${typeof details[key] === "string" ? details[key] : inspect(details[key])}`);
    const text = [message || "Unhandled exception in event loop", ...lines].join("\n");
    if (exception === undefined) logger.error(text);
    else logger.error(text, exception);
  }

  /** Tell the exception handler. Never throws, unless it is KeyboardInterrupt or SystemExit. Python: `loop.call_exception_handler`. */
  callExceptionHandler(context: ExceptionContext): void {
    if (this.#exceptionHandler === null) {
      this.defaultExceptionHandler(context);
      return;
    }
    try {
      this.#exceptionHandler(this, context);
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      this.defaultExceptionHandler({
        message: "Unhandled error in exception handler",
        exception,
        context,
      });
    }
  }

  /** Whether the loop is in debug mode; from the environment's `ASYNCIO_DEBUG` at first. Python: `loop.get_debug`. */
  getDebug(): boolean {
    return this.#debug;
  }

  /** Turn debug mode on or off. Python: `loop.set_debug`. */
  setDebug(enabled: boolean): void {
    this.#debug = enabled;
  }

  /** @internal Put something at the end of the ready queue. */
  enqueue(runnable: Runnable): void {
    if (!this.#closed) this.#scheduler.enqueue(runnable);
  }

  /** @internal A promise was settled: JavaScript must run its course before the next handle does. */
  promiseSettled(): void {
    this.#scheduler.needsDrain = true;
  }

  /** @internal End the run with this error, at once. */
  burst(error: KeyboardInterrupt | SystemExit): void {
    this.#scheduler.burst(error);
  }

  #assertOpen(): void {
    if (this.#closed) throw new RuntimeError("Event loop is closed");
  }

  #assertNotRunning(): void {
    if (this.isRunning()) throw new RuntimeError("This event loop is already running");
    if (runningLoop() !== null) {
      throw new RuntimeError("Cannot run the event loop while another loop is running");
    }
  }

  toString(): string {
    return `<${this.constructor.name} running=${this.isRunning()} closed=${this.#closed} debug=${this.#debug}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function assertCallback(callback: unknown, method: string): void {
  if (typeof callback === "function") return;
  const hint = isThenable(callback) ? "; a coroutine or promise cannot be used as a callback" : "";
  throw new TypeError(`a callable object was expected by ${method}(), got ${inspect(callback)}${hint}`);
}

function assertSeconds(value: unknown, name: string): void {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number of seconds, not ${inspect(value)}`);
  if (Number.isNaN(value)) throw new ValueError(`Invalid ${name}: NaN (not a number)`);
}

function splitContext(args: readonly unknown[]): [readonly unknown[], Context | undefined] {
  const last = args.at(-1);
  if (!isContextOption(last)) return [args, undefined];
  return [args.slice(0, -1), last.context];
}

function isContextOption(value: unknown): value is ContextOption {
  if (typeof value !== "object" || value === null || !("context" in value)) return false;
  return value.context instanceof Context && Object.keys(value).length === 1;
}
