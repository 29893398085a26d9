import type { BaseEventLoop } from "./base-events.ts";
import { tellSlow } from "./debug.ts";
import { currentExecution } from "./execution.ts";
import type { Future } from "./futures.ts";
import type { Handle, Runnable } from "./handles.ts";

/**
 * Times the steps of a loop, and tells of those that take too long. What is between two steps does not count, unless it
 * is code of a task: JavaScript goes on by itself behind a promise that is not ours.
 */
export class Stopwatch {
  readonly #loop: BaseEventLoop;
  #subject: Handle | Future<unknown> | null = null;
  #began = 0;
  #inMicrotask = false;
  #unhook: (() => void) | null = null;

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  /** The loop runs. The hooks slow down every promise of the program, so they are there only meanwhile. */
  start(): void {
    const hooks = { before: this.#microtaskBegins, after: this.#microtaskEnds };
    const { promiseHooks } = process.getBuiltinModule("node:v8");
    this.#unhook = promiseHooks.createHook(hooks) as () => void;
  }

  stop(): void {
    this.end();
    this.#unhook?.();
    this.#unhook = null;
  }

  /** `step` begins, and the one before is over: also the promise callbacks that it led to have run. */
  begin(step: Runnable): void {
    this.end();
    this.#start(step.subject ?? null);
  }

  end(): void {
    const callback = this.#subject;
    if (callback === null) return;
    this.#subject = null;
    this.#inMicrotask = false;
    const seconds = this.#loop.time() - this.#began;
    if (seconds >= this.#loop.slowCallbackDuration) tellSlow(this.#loop, callback, seconds);
  }

  #start(subject: Handle | Future<unknown> | null): void {
    this.#subject = subject;
    this.#began = this.#loop.time();
  }

  /** In a step it is a part of that; else it belongs to whichever task awaited there. */
  readonly #microtaskBegins = (): void => {
    if (this.#subject !== null) return;
    const task = currentExecution()?.task;
    if (task?.loop !== this.#loop) return;
    this.#inMicrotask = true;
    this.#start(task);
  };

  readonly #microtaskEnds = (): void => {
    if (this.#inMicrotask) this.end();
  };
}
