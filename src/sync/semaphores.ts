import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { CancelledError, ValueError } from "../core/errors.ts";
import { Guard } from "./locks.ts";
import { LoopBound } from "./mixins.ts";
import { Line, Waiter } from "./waiters.ts";

/**
 * Lets so many tasks in at the same time: a counter that `acquire` lowers, waiting while it is 0, and `release` raises.
 * Those who wait come in in their order, and nobody overtakes them. Python: `asyncio.Semaphore`.
 */
export class Semaphore extends LoopBound {
  #value: number;
  readonly #waiters = new Line();

  /** Throws TypeError if `value` is no integer, ValueError if it is negative. */
  constructor(value = 1) {
    super();
    if (!Number.isInteger(value)) throw new TypeError(`value must be an integer, not ${inspect(value)}`);
    if (value < 0) throw new ValueError(`Semaphore initial value must be >= 0, not ${value}`);
    this.#value = value;
  }

  /** How many could come in now. */
  protected get value(): number {
    return this.#value;
  }

  /** Whether `acquire` would have to wait, be it only behind others. Python: `Semaphore.locked`. */
  locked(): boolean {
    return this.#value === 0 || !this.#waiters.abandoned;
  }

  /**
   * Lower the counter, waiting while it is 0. Gives a guard: `using guard = await semaphore.acquire()` releases at the
   * end of the block. Throws RuntimeError if the semaphore belongs to another loop. Cancel safety: nothing is lost, what
   * it had been given goes to the next. Python: `Semaphore.acquire`.
   */
  acquire(): Coroutine<Guard> {
    return new Coroutine(this.#acquire(), "Semaphore.acquire");
  }

  /** Raise the counter, and let the first who waits in. Python: `Semaphore.release`. */
  release(): void {
    this.#value++;
    this.#wakeNext();
  }

  *#acquire(): Generator<Suspension, Guard, unknown> {
    if (this.locked()) yield* this.#waitInLine();
    else this.#value--;
    return new Guard(() => this.release());
  }

  *#waitInLine() {
    const waiter = new Waiter({ loop: this.loop });
    this.#waiters.add(waiter);
    try {
      yield* waiter;
    } catch (error) {
      if (error instanceof CancelledError && waiter.done() && !waiter.cancelled()) this.#value++;
      throw error;
    } finally {
      this.#waiters.delete(waiter);
      // Some may have come while there was room, and waited only because others were before them.
      while (this.#value > 0 && this.#wakeNext());
    }
  }

  /** Whoever is woken is in at once: the counter is lowered for it here, so that nobody can come between. */
  #wakeNext(): boolean {
    if (this.#waiters.wake(1) === 0) return false;
    this.#value--;
    return true;
  }

  override toString(): string {
    const state = this.locked() ? "locked" : `unlocked, value:${this.#value}`;
    return `<${this.constructor.name} [${state}, waiters:${this.#waiters.length}]>`;
  }
}

/** A semaphore that notices when it is released more often than acquired. Python: `asyncio.BoundedSemaphore`. */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  /** Throws as {@link Semaphore} does. */
  constructor(value = 1) {
    super(value);
    this.#bound = value;
  }

  /** As `Semaphore.release`. Throws ValueError if the counter would rise above its first value. */
  override release(): void {
    if (this.value >= this.#bound) throw new ValueError("BoundedSemaphore released too many times");
    super.release();
  }
}
