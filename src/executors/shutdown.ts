import { assertSeconds } from "../core/callback-arguments.ts";
import { TimeoutError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import { Deadline } from "./deadline.ts";
import type { ShutdownOptions } from "./executor.ts";
import { ConcurrentFuture } from "./futures.ts";

/** Seconds after which a shutdown tells whom it waits for. */
const LATE = 10;

/** The end of a pool, and who waits for it. */
export class Shutdown {
  readonly #unfinished: () => string;
  readonly #waiters = new Set<ConcurrentFuture<void>>();
  #complete = false;

  /** `unfinished` names what has not ended yet. */
  constructor(unfinished: () => string) {
    this.#unfinished = unfinished;
  }

  /** A future for the end of all; a completed one, if nobody is to wait. */
  begin({ wait = true, timeout = null }: ShutdownOptions): ConcurrentFuture<void> {
    if (timeout !== null) assertSeconds(timeout, "timeout");
    const ended = new ConcurrentFuture<void>();
    if (!wait || this.#complete) ended.setResult();
    else this.#wait(ended, timeout);
    return ended;
  }

  /** All has ended. */
  complete(): void {
    this.#complete = true;
    for (const waiter of [...this.#waiters]) waiter.setResult();
  }

  #wait(ended: ConcurrentFuture<void>, timeout: number | null): void {
    this.#waiters.add(ended);
    ended.addDoneCallback(() => this.#waiters.delete(ended));
    new Deadline(LATE).reach(ended, () => logger.warn(`shutdown() still waits for ${this.#unfinished()}`));
    new Deadline(timeout).reach(ended, () => {
      ended.setException(new TimeoutError(`shutdown() waited ${timeout} s for ${this.#unfinished()}`));
    });
  }
}
