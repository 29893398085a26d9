import { afterMicrotasks, type Driver } from "../core/driver.ts";

/** The I/O of a backend that is not made of Node's own handles, which call the loop by themselves. */
export interface Poller {
  /** Queue the callbacks of all I/O that is ready, without waiting. */
  poll(): void;
  /** Call `onReady`, outside of the loop's turn, when some becomes ready; keep the process alive. */
  watch(onReady: () => void): void;
  unwatch(): void;
}

/**
 * How long a busy loop may keep libuv waiting: so many iterations, and so many milliseconds. Timers, sockets and
 * signals of others then get their turn; one such turn costs about as much as ten switches between tasks.
 */
const BUSY_ITERATIONS = 128;
const BUSY_MILLISECONDS = 1;

/** A look at the clock costs half as much as the shortest iterations: after those that take less than this it is not taken for a while. */
const SHORT_MILLISECONDS = 0.02;
const SHORT_ITERATIONS_A_LOOK = 8;

/** Longer than any program runs; only a timer that is pending keeps Node alive. */
const KEEP_ALIVE_MILLISECONDS = 2 ** 31 - 1;

/** Runs the loop inside of Node: it sleeps in libuv, beside everything else that Node does. */
export class NodeHost implements Driver {
  /** `performance.now()` ticks in nanoseconds. */
  readonly resolution = 1e-9;
  readonly #poller: Poller | null;
  #keepAlive: NodeJS.Timeout | null = null;
  #resume: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerDue = 0;
  #iterations = 0;
  /** At which of them the clock is looked at next. */
  #nextLook = 1;
  #busySince = 0;

  constructor(poller: Poller | null) {
    this.#poller = poller;
  }

  time(): number {
    return performance.now() / 1000;
  }

  begin(): void {
    this.#keepAlive = setInterval(() => {}, KEEP_ALIVE_MILLISECONDS);
    this.#poller?.watch(() => this.wake());
    this.#startTurn();
  }

  end(): void {
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#poller?.unwatch();
    this.#clearTimer();
    this.#resume = null;
  }

  wait(timeout: number | null, resume: () => void): boolean {
    if (timeout === 0 && !this.#othersAreDue()) return true;
    this.#resume = resume;
    if (timeout === 0) this.wake();
    else if (timeout !== null) this.#setTimer(timeout);
    return false;
  }

  wake(): void {
    const resume = this.#resume;
    if (resume === null) return;
    this.#resume = null;
    setImmediate(() => this.#go(resume));
  }

  poll(): void {
    this.#poller?.poll();
  }

  afterMicrotasks(resume: () => void): void {
    afterMicrotasks(resume);
  }

  #go(resume: () => void): void {
    this.#startTurn();
    resume();
  }

  #startTurn(): void {
    this.#iterations = 0;
    this.#nextLook = 1;
    this.#busySince = performance.now();
  }

  #othersAreDue(): boolean {
    const iterations = ++this.#iterations;
    if (iterations > BUSY_ITERATIONS) return true;
    if (iterations < this.#nextLook) return false;
    const elapsed = performance.now() - this.#busySince;
    const areShort = elapsed < iterations * SHORT_MILLISECONDS;
    this.#nextLook = iterations + (areShort ? SHORT_ITERATIONS_A_LOOK : 1);
    return elapsed > BUSY_MILLISECONDS;
  }

  /** A timer that is pending and early enough is left alone: waking up once too often costs less than a new timer. */
  #setTimer(timeout: number): void {
    const due = performance.now() + timeout * 1000;
    if (this.#timer !== null && this.#timerDue <= due) return;
    this.#clearTimer();
    this.#timerDue = due;
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(timeout * 1000));
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #onTimer(): void {
    this.#timer = null;
    const resume = this.#resume;
    if (resume === null) return;
    this.#resume = null;
    this.#go(resume);
  }
}
