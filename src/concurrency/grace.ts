import { inspect } from "node:util";
import { ValueError } from "../core/errors.ts";

/** Node's timers reach no further; nobody waits longer for a process to end. */
const LONGEST_MILLISECONDS = 2 ** 31 - 1;

/**
 * The time that a clean-up may take, by the real clock: it is about the process, not about the loop. It passes only
 * between `start` and `pause`, so that a program is not ended for what it does between a run and its clean-up.
 */
export class Grace {
  readonly #milliseconds: number;
  #left: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  /** Throws TypeError if `seconds` is no number, ValueError if it is not positive; undefined is for ever. */
  constructor(seconds: number | undefined) {
    if (seconds !== undefined) assertPositive(seconds);
    this.#milliseconds = seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000;
    this.#left = this.#milliseconds;
  }

  /** Call `onOver` when nothing is left; this does not keep the process alive. */
  start(onOver: () => void): void {
    this.#startedAt = performance.now();
    if (this.#left > LONGEST_MILLISECONDS) return;
    this.#timer = setTimeout(onOver, Math.max(this.#left, 0)).unref();
  }

  pause(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#left -= performance.now() - this.#startedAt;
  }

  /** All of it is there again. */
  reset(): void {
    this.pause();
    this.#left = this.#milliseconds;
  }
}

function assertPositive(seconds: unknown): void {
  if (typeof seconds !== "number")
    throw new TypeError(`grace must be a number of seconds, not ${inspect(seconds)}`);
  if (!(seconds > 0)) throw new ValueError(`grace must be a positive number of seconds, not ${seconds}`);
}
