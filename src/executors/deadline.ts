import type { ConcurrentFuture } from "./futures.ts";

/** Node's timers reach no further. */
const LONGEST_MILLISECONDS = 2 ** 31 - 1;

/** A moment, by the real clock: executors belong to no loop. */
export class Deadline {
  readonly #due: number;

  /** In `seconds` from now; null for never. */
  constructor(seconds: number | null) {
    this.#due = seconds === null ? Number.POSITIVE_INFINITY : performance.now() + 1000 * seconds;
  }

  /** Call `onReached` then, unless `future` is done before. */
  reach(future: ConcurrentFuture, onReached: () => void): void {
    const milliseconds = this.#due - performance.now();
    if (milliseconds > LONGEST_MILLISECONDS) return;
    const timer = setTimeout(onReached, Math.max(milliseconds, 0));
    future.addDoneCallback(() => clearTimeout(timer));
  }
}
