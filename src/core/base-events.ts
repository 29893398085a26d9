import workerThreads from "node:worker_threads";
import { AsyncGens, closeAll } from "./asyncgens.ts";
import type { Suspension } from "./awaitables.ts";
import { assertCallback, assertSeconds, type CallbackArguments, splitContext } from "./callback-arguments.ts";
import type { Context } from "./contextvars.ts";
import { Coroutine, type CoroutineBody, toCoroutine, watchNewborn } from "./coroutines.ts";
import { DebugMode } from "./debug-mode.ts";
import { channels } from "./diagnostics.ts";
import type { Driver } from "./driver.ts";
import { type KeyboardInterrupt, RuntimeError, type SystemExit, ValueError } from "./errors.ts";
import { runningLoop, setRunningLoop } from "./events.ts";
import { type ExceptionContext, type ExceptionHandler, formatContext } from "./exception-context.ts";
import { ExceptionHandlers } from "./exception-handlers.ts";
import { Future } from "./futures.ts";
import { type Callback, Handle, type Runnable, TimerHandle } from "./handles.ts";
import { Inspectable } from "./inspectable.ts";
import { LinkedList } from "./linked-list.ts";
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

/**
 * The scheduler: CPython's order, exactly. Its time and its wake-ups come from a {@link Driver}; it knows neither
 * sockets nor Node's handles.
 *
 * One iteration: drop cancelled timers, queue the callbacks of ready I/O, queue the timers that are due, then run what
 * is queued now; what that queues waits for the next iteration. Python: `asyncio.BaseEventLoop`.
 */
export class BaseEventLoop extends Inspectable implements Disposable {
  /** @internal Pending tasks, oldest first. The loop keeps them: a task never vanishes. */
  readonly tasks = new LinkedList<Task<unknown>>();
  /** @internal */
  readonly asyncgens = new AsyncGens();
  /** @internal */
  readonly obligations = new Obligations<ExceptionContext>((owed) => this.callExceptionHandler(owed));
  readonly #driver: Driver;
  readonly #scheduler: Scheduler;
  #closed = false;
  readonly #debugMode: DebugMode;
  readonly #exceptionHandlers = new ExceptionHandlers(this);
  #taskFactory: TaskFactory | null = null;

  constructor(driver: Driver) {
    super();
    this.#driver = driver;
    this.#scheduler = new Scheduler(driver, () => watchNewborn(this));
    // Neither a loop nor what belongs to it can be of use in another thread: so a message with one in it is refused.
    workerThreads.markAsUncloneable?.(this);
    this.#debugMode = new DebugMode(this, this.#scheduler);
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
    if (channels.loopStart.hasSubscribers) channels.loopStart.publish({ loop: this });
    try {
      await this.#scheduler.run();
    } finally {
      setRunningLoop(null);
      if (channels.loopStop.hasSubscribers) channels.loopStop.publish({ loop: this });
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
    if (this.getDebug()) logger.debug(`Close ${this}`);
    watchNewborn(this);
    for (const task of this.tasks) {
      this.callExceptionHandler({ message: "Task was destroyed but it is pending!", task });
      this.tasks.delete(task);
    }
    this.obligations.callIn();
    this.#closed = true;
    this.#scheduler.clear();
    this.#debugMode.end();
    if (channels.loopClose.hasSubscribers) channels.loopClose.publish({ loop: this });
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
  callSoon<A extends unknown[]>(callback: Callback<A>, ...args: NoInfer<CallbackArguments<A>>): Handle {
    this.#assertOpen();
    assertCallback(callback, "callSoon");
    const [rest, context] = splitContext(args);
    const handle = new Handle(callback as Callback, rest, this, context);
    this.enqueue(handle);
    return handle;
  }

  /**
   * As {@link callSoon}, for code that Node calls while the loop runs, sleeps or rests: handlers of signals, callbacks of
   * native modules. It wakes the loop, as `callSoon` does here, too. Other threads reach an `EventLoop` by its `threadsafe()`.
   * Python: `loop.call_soon_threadsafe`.
   */
  callSoonThreadsafe<A extends unknown[]>(
    callback: Callback<A>,
    ...args: NoInfer<CallbackArguments<A>>
  ): Handle {
    return this.callSoon(callback, ...args);
  }

  /**
   * Call `callback(...args)` after `delay` seconds: in the next iteration, behind what is queued, if that is 0 or less.
   * Throws as {@link callSoon} does; TypeError if `delay` is not a number, ValueError if it is NaN.
   * Python: `loop.call_later`.
   */
  callLater<A extends unknown[]>(
    delay: number,
    callback: Callback<A>,
    ...args: NoInfer<CallbackArguments<A>>
  ): TimerHandle {
    assertSeconds(delay, "delay");
    return this.callAt(this.time() + delay, callback, ...args);
  }

  /** As {@link callLater}, at the time `when` of the loop's clock, in seconds. Python: `loop.call_at`. */
  callAt<A extends unknown[]>(
    when: number,
    callback: Callback<A>,
    ...args: NoInfer<CallbackArguments<A>>
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

  /**
   * Refuse work for the default executor from now on, and wait until what was submitted is done: for at most `timeout`
   * seconds, after which a RuntimeWarning names what is not. A loop without executors has nothing to do here. Throws
   * TypeError if `timeout` is no number, ValueError if it is NaN. Cancel safety: the shutdown goes on. Python:
   * `loop.shutdown_default_executor`.
   */
  shutdownDefaultExecutor(_timeout: number | null = null): Coroutine<void> {
    return new Coroutine(() => undefined, "shutdownDefaultExecutor");
  }

  /** Have `handler(loop, context)` told of errors that nobody else can be given; null for the usual one, which logs them. Python: `loop.set_exception_handler`. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null) assertCallback(handler, "setExceptionHandler");
    this.#exceptionHandlers.custom = handler;
  }

  /** The handler that was set, or null. Python: `loop.get_exception_handler`. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandlers.custom;
  }

  /**
   * Log `context` as an error. For a handler that leaves some of them to the default. In debug mode it also tells where
   * the callback was made in which it happened, unless the context says where its subject was.
   * Python: `loop.default_exception_handler`.
   */
  defaultExceptionHandler(context: ExceptionContext): void {
    const inStep = "sourceTraceback" in context ? {} : this.#scheduler.handleTraceback();
    const text = formatContext({ ...context, ...inStep });
    if (context.exception === undefined) logger.error(text);
    else logger.error(text, context.exception);
  }

  /**
   * Tell the exception handler. Never throws, unless it is KeyboardInterrupt or SystemExit: what else a handler throws, the
   * default one included, is logged. Python: `loop.call_exception_handler`.
   */
  callExceptionHandler(context: ExceptionContext): void {
    this.#exceptionHandlers.tell(context);
  }

  /** Whether the loop is in debug mode; from the environment's `ASYNCIO_DEBUG` at first. Python: `loop.get_debug`. */
  getDebug(): boolean {
    return this.#debugMode.enabled;
  }

  /**
   * Turn debug mode on or off. In debug mode everything notes where it was made; steps that are slow, see
   * {@link slowCallbackDuration}, cancellations that are swallowed or cannot be delivered, and what is not closed are
   * warned of. It makes a program several times slower. Python: `loop.set_debug`.
   */
  setDebug(enabled: boolean): void {
    this.#debugMode.enabled = Boolean(enabled);
  }

  /**
   * How many seconds a step of a task or a callback may take, 0.1 by default: one that takes as long or longer holds up
   * all others, and is warned of. 0 warns of each step, Infinity of none.
   *
   * Steps are measured in debug mode, and without it once this was set; that costs two looks at the clock a step, and 0.2
   * microseconds for each promise callback of the program. A step ends when JavaScript has run the promise callbacks that
   * it led to. Where a task goes on behind a promise that is not of this library, each promise callback is measured by
   * itself. What is not measured is what belongs to no task and no callback of the loop: code that Node calls, such as the
   * callbacks of `setTimeout` and of event emitters.
   *
   * Setting it throws TypeError for what is no number, ValueError if that is below 0 or NaN.
   * Python: `loop.slow_callback_duration`.
   */
  get slowCallbackDuration(): number {
    return this.#debugMode.slowCallbackDuration;
  }

  set slowCallbackDuration(seconds: number) {
    assertSeconds(seconds, "slowCallbackDuration");
    if (seconds < 0) throw new ValueError(`slowCallbackDuration must not be negative: ${seconds}`);
    this.#debugMode.slowCallbackDuration = seconds;
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

  override toString(): string {
    return `<${this.constructor.name} running=${this.isRunning()} closed=${this.#closed} debug=${this.getDebug()}>`;
  }
}
