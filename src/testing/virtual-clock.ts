import { afterMicrotasks, type Driver } from "../core/driver.ts";
import { RuntimeError } from "../core/errors.ts";

/** The loop waits, and nothing in it can ever happen again. */
export class Deadlock extends RuntimeError {
  override name = "Deadlock";

  constructor() {
    super("deadlock: no callback is ready, no timer is scheduled, and there is no I/O to wait for");
  }
}

/**
 * A driver for tests without I/O: its time starts at 0 and stands still while there is something to run; when there
 * is not, it jumps to the next timer. A loop that could wait for ever ends its run with {@link Deadlock}.
 */
export class VirtualClock implements Driver {
  /** Covers what rounding leaves between a timer's due time and the sum of the waits. */
  readonly resolution = 1e-9;
  #now = 0;
  /** Whether the promises that callbacks settled have had their say since something was queued: they may queue more. */
  #settled = false;

  time(): number {
    return this.#now;
  }

  begin(): void {}

  end(): void {}

  wait(timeout: number | null, resume: () => void): boolean {
    if (timeout === 0) return true;
    if (!this.#settled) {
      this.#settled = true;
      afterMicrotasks(resume);
      return false;
    }
    if (timeout === null) throw new Deadlock();
    this.#settled = false;
    this.#now += timeout;
    return true;
  }

  wake(): void {
    this.#settled = false;
  }

  poll(): void {}

  afterMicrotasks(resume: () => void): void {
    afterMicrotasks(resume);
  }
}
