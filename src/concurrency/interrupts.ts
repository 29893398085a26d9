import { constants } from "node:os";
import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { formatStack } from "../core/base-tasks.ts";
import { CancelledError, isFatal, KeyboardInterrupt, SystemExit, ValueError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Task } from "../core/tasks.ts";
import { exitAsPython, exitWhenPrinted } from "./exits.ts";
import { Grace } from "./grace.ts";

export interface InterruptOptions {
  /**
   * The signals that cancel the main task: by default SIGINT; true for SIGINT and SIGTERM, false for none. The first one
   * cancels; a second one, of any of them, exits at once with 128 + its number. One that the program listens to itself
   * is left alone.
   */
  signals?: readonly NodeJS.Signals[] | boolean | undefined;
  /**
   * How many seconds of real time the clean-up may take from the first signal on: the rest of the main task, then what
   * closing the runner waits for. When they are over, the tasks that are left are logged, and the process exits with
   * 128 + the signal's number. Unlimited by default. Code that never waits cannot be interrupted by this either.
   */
  grace?: number | undefined;
}

/**
 * How signals end a run: the first one cancels the main task, which can clean up; if that is how it ends, the run ends
 * with KeyboardInterrupt (SIGINT) or SystemExit (the others). A second signal, or a clean-up that takes too long, ends
 * the process.
 */
export class Interrupts {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #grace: Grace;
  /** The signal that the run or its clean-up is ending by. */
  #signal: NodeJS.Signals | null = null;

  /** Throws TypeError or ValueError for signals that there are not or that nobody can catch, or a grace that is none. */
  constructor({ signals, grace }: InterruptOptions) {
    this.#signals = signalNames(signals);
    this.#grace = new Grace(grace);
  }

  /** Run `loop` until `main` is done; a signal cancels it. */
  async duringRun<T>(loop: BaseEventLoop, main: Task<T>): Promise<T> {
    this.#forget();
    const stopListening = this.#listen(loop, () => main.cancelAnyway());
    try {
      const result = await loop.runUntilComplete(main);
      this.#forget();
      return result;
    } catch (error) {
      const signal = this.#signal;
      if (signal !== null && error instanceof CancelledError && main.uncancel() === 0) {
        exitAsPython();
        throw interruption(signal);
      }
      if (isFatal(error)) exitAsPython();
      if (main.failure === error) main.exception();
      this.#forget();
      throw error;
    } finally {
      this.#grace.pause();
      stopListening();
    }
  }

  /** What is left of the grace is for `cleanUp`, if a signal ended the last run. */
  async duringCleanUp(loop: BaseEventLoop, cleanUp: () => Promise<void>): Promise<void> {
    if (this.#signal === null) return await cleanUp();
    const stopListening = this.#listen(loop, () => {});
    this.#startGrace(loop, this.#signal);
    try {
      await cleanUp();
    } finally {
      stopListening();
      this.#forget();
    }
  }

  /** Returns the function that stops listening. */
  #listen(loop: BaseEventLoop, cancel: () => void): () => void {
    const onSignal = (signal: NodeJS.Signals) => {
      if (listenersOfLoops(signal) > 0) return;
      if (this.#signal !== null) process.exit(exitCodeOf(signal));
      this.#signal = signal;
      this.#startGrace(loop, signal);
      cancel();
    };
    const ours = this.#signals.filter((signal) => process.listenerCount(signal) === listenersOfLoops(signal));
    for (const signal of ours) process.on(signal, onSignal);
    return () => {
      for (const signal of ours) process.off(signal, onSignal);
    };
  }

  #startGrace(loop: BaseEventLoop, signal: NodeJS.Signals): void {
    this.#grace.start(() => {
      const code = exitCodeOf(signal);
      reportStuck(loop, `the clean-up after ${signal} took too long, exiting with ${code}`);
      exitWhenPrinted(code);
    });
  }

  #forget(): void {
    this.#signal = null;
    this.#grace.reset();
  }
}

/** How many loops have a handler of their own for a signal: meanwhile it does not interrupt. */
const handledByLoops = new Map<NodeJS.Signals, number>();

/** A loop listens to `signal` from now on. */
export function handledByLoop(signal: NodeJS.Signals): void {
  handledByLoops.set(signal, listenersOfLoops(signal) + 1);
}

/** That loop does not any more. */
export function notHandledByLoop(signal: NodeJS.Signals): void {
  handledByLoops.set(signal, listenersOfLoops(signal) - 1);
}

function listenersOfLoops(signal: NodeJS.Signals): number {
  return handledByLoops.get(signal) ?? 0;
}

function reportStuck(loop: BaseEventLoop, message: string): void {
  const stuck = [...loop.tasks].map((task) => formatStack(task, null).trimEnd());
  logger.error([`${message}; tasks that are stuck: ${stuck.length}`, ...stuck].join("\n"));
}

function interruption(signal: NodeJS.Signals): KeyboardInterrupt | SystemExit {
  return signal === "SIGINT" ? new KeyboardInterrupt() : new SystemExit(exitCodeOf(signal));
}

/** What a shell says of a process that a signal ended. */
function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function signalNames(signals: InterruptOptions["signals"] = ["SIGINT"]): readonly NodeJS.Signals[] {
  if (typeof signals === "boolean") return signals ? ["SIGINT", "SIGTERM"] : [];
  if (!Array.isArray(signals)) {
    throw new TypeError(`signals must be a list of names of signals, or a boolean, not ${inspect(signals)}`);
  }
  for (const signal of signals) assertSignalName(signal);
  return [...new Set<NodeJS.Signals>(signals)];
}

function assertSignalName(name: unknown): void {
  if (typeof name !== "string") throw new TypeError(`a signal's name is a string, not ${inspect(name)}`);
  if (!Object.hasOwn(constants.signals, name)) throw new ValueError(`unknown signal: ${inspect(name)}`);
  if (name === "SIGKILL" || name === "SIGSTOP") throw new ValueError(`${name} cannot be caught`);
}
