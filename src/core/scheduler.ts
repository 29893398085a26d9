import { MAXIMUM_SELECT_TIMEOUT } from "./constants.ts";
import { sourceTraceback } from "./creation-stacks.ts";
import type { Driver } from "./driver.ts";
import type { KeyboardInterrupt, SystemExit } from "./errors.ts";
import { Frame } from "./execution.ts";
import type { Runnable, TimerHandle } from "./handles.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { Timers } from "./timers.ts";

/**
 * What runs next: the ready queue, the timers, and the iterations over them, in CPython's order.
 *
 * JavaScript cannot block, so an iteration breaks off where it must wait, for the driver or for microtasks, and one of
 * the two functions below goes on with it.
 */
export class Scheduler {
  readonly timers = new Timers();
  /** Set by whoever settles a promise: JavaScript must run its course before the next handle does. */
  needsDrain = false;
  readonly #driver: Driver;
  readonly #endOfIteration: () => void;
  #ready: Runnable[] = [];
  /** What this iteration runs, and how far it has come. */
  #batch: Runnable[] = [];
  #position = 0;
  #run: { resolve(): void; reject(error: unknown): void } | null = null;
  #stopping = false;
  #stopwatch: Stopwatch | null = null;
  #fatal: KeyboardInterrupt | SystemExit | null = null;
  /** That of whoever called `run`: nobody's else, whoever wakes the loop. */
  #frame = new Frame();
  readonly #nextIteration = () => this.#frame.run(() => this.#guard(() => this.#collectAndRunOn()));
  /** Called back in the frame in which the iteration broke off: that is ours. */
  readonly #sameIteration = () => this.#guard(() => this.#runOn());

  constructor(driver: Driver, endOfIteration: () => void) {
    this.#driver = driver;
    this.#endOfIteration = endOfIteration;
  }

  get running(): boolean {
    return this.#run !== null;
  }

  /** Run iterations until {@link stop}; rejects with the error that burst through. */
  run(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.#run = { resolve, reject };
    });
    this.#frame = new Frame();
    this.#driver.begin();
    this.#stopwatch?.start();
    this.#driver.afterMicrotasks(this.#nextIteration);
    return ended;
  }

  /** Leave at the end of this iteration, or of the first of the next run. */
  stop(): void {
    this.#stopping = true;
    this.#driver.wake();
  }

  /** Leave now, with this error. */
  burst(error: KeyboardInterrupt | SystemExit): void {
    this.#fatal ??= error;
    this.#driver.wake();
  }

  /** Time the steps from now on; with null, no more. */
  measure(stopwatch: Stopwatch | null): void {
    this.#stopwatch?.stop();
    this.#stopwatch = stopwatch;
    if (this.running) stopwatch?.start();
  }

  enqueue(runnable: Runnable): void {
    this.#ready.push(runnable);
    this.#driver.wake();
  }

  schedule(timer: TimerHandle): void {
    this.timers.push(timer);
    this.#driver.wake();
  }

  /** Where the one that runs was made, for an exception context; in debug mode. */
  handleTraceback(): { handleTraceback?: string } {
    const stack = this.#batch[this.#position - 1]?.subject?.sourceTraceback ?? null;
    const { sourceTraceback: handleTraceback } = sourceTraceback(stack);
    return handleTraceback === undefined ? {} : { handleTraceback };
  }

  /** Forget all that is queued. */
  clear(): void {
    this.#ready = [];
    this.timers.clear();
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#leave(error);
    }
  }

  /** The first half of an iteration: queue what has become ready, and fix what this iteration will run. */
  #collect(): void {
    this.#driver.poll();
    if (this.timers.size > 0) {
      for (const timer of this.timers.due(this.#driver.time() + this.#driver.resolution))
        this.#ready.push(timer);
    }
    this.#startBatch(this.#ready);
    this.#ready = [];
  }

  #startBatch(batch: Runnable[]): void {
    this.#batch = batch;
    this.#position = 0;
  }

  #collectAndRunOn(): void {
    this.#collect();
    this.#runOn();
  }

  /** The second half, and the iterations after it, until there is something to wait for. */
  #runOn(): void {
    for (;;) {
      if (!this.#runBatch()) return;
      this.#endOfIteration();
      if (this.#stopping) {
        this.#leave(null);
        return;
      }
      if (!this.#driver.wait(this.#timeout(), this.#nextIteration)) return;
      this.#collect();
    }
  }

  /** Returns false where it breaks off, for JavaScript to run its microtasks or because the run is over. */
  #runBatch(): boolean {
    const batch = this.#batch;
    while (this.#fatal === null && this.#position < batch.length) {
      const step = batch[this.#position++]!;
      if (this.#stopwatch !== null) this.#stopwatch.begin(step);
      step.run();
      if (this.needsDrain && this.#fatal === null) {
        this.needsDrain = false;
        this.#driver.afterMicrotasks(this.#sameIteration);
        return false;
      }
    }
    if (this.#fatal !== null) {
      this.#leave(this.#fatal);
      return false;
    }
    this.#stopwatch?.end();
    this.#startBatch([]);
    return true;
  }

  /** Asks the timers in any case: a loop that is never idle must drop its cancelled timers too. */
  #timeout(): number | null {
    const next = this.timers.next();
    if (this.#ready.length > 0) return 0;
    if (next === null) return null;
    return Math.min(Math.max(next - this.#driver.time(), 0), MAXIMUM_SELECT_TIMEOUT);
  }

  /** What did not run any more stays at the head of the queue for the next run. */
  #leave(error: unknown): void {
    const run = this.#run;
    if (run === null) return;
    this.#stopwatch?.stop();
    this.#ready = [...this.#batch.slice(this.#position), ...this.#ready];
    this.#startBatch([]);
    this.#stopping = false;
    this.#fatal = null;
    this.#run = null;
    this.#driver.end();
    if (error === null) run.resolve();
    else run.reject(error);
  }
}
