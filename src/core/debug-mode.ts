import type { BaseEventLoop } from "./base-events.ts";
import { unwatchLoop, watchLoop } from "./debug.ts";
import type { Scheduler } from "./scheduler.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Seconds. CPython's number. */
const DEFAULT_SLOW_CALLBACK_DURATION = 0.1;

/** What of a loop is watched: everything in debug mode; else only the duration of its steps, if somebody set a limit. */
export class DebugMode {
  readonly #loop: BaseEventLoop;
  readonly #scheduler: Scheduler;
  /** Null until it is set. */
  #slowCallbackDuration: number | null = null;
  #enabled = false;

  constructor(loop: BaseEventLoop, scheduler: Scheduler) {
    this.#loop = loop;
    this.#scheduler = scheduler;
    this.enabled = Boolean(process.env.ASYNCIO_DEBUG);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  set enabled(enabled: boolean) {
    this.#enabled = enabled;
    if (enabled && !this.#loop.isClosed()) watchLoop(this.#loop);
    else unwatchLoop(this.#loop);
    this.#measureSteps();
  }

  /** In seconds. */
  get slowCallbackDuration(): number {
    return this.#slowCallbackDuration ?? DEFAULT_SLOW_CALLBACK_DURATION;
  }

  set slowCallbackDuration(seconds: number) {
    this.#slowCallbackDuration = seconds;
    this.#measureSteps();
  }

  /** The loop is closed. */
  end(): void {
    unwatchLoop(this.#loop);
  }

  #measureSteps(): void {
    const wanted = this.#enabled || this.#slowCallbackDuration !== null;
    const ever = this.slowCallbackDuration < Number.POSITIVE_INFINITY;
    this.#scheduler.measure(wanted && ever ? new Stopwatch(this.#loop) : null);
  }
}
