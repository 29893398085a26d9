import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { CancelledError, RuntimeError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import { LoopBound } from "./mixins.ts";
import { Line, Waiter } from "./waiters.ts";

/**
 * That somebody holds a lock, until the end of a `using` block: `using guard = await lock.acquire()`. It releases
 * once at most, and not at all if the lock was released by hand. A semaphore does not know who is in: there, its guard
 * releases even so.
 */
export class Guard extends Inspectable implements Disposable {
  #release: ((guard: Guard) => void) | null;

  /** @internal */
  constructor(release: (guard: Guard) => void) {
    super();
    this.#release = release;
  }

  /** Release what is held; nothing if that was done already. */
  release(): void {
    const release = this.#release;
    this.#release = null;
    release?.(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  override toString(): string {
    return `<Guard ${this.#release === null ? "released" : "unreleased"}>`;
  }
}

/**
 * A mutex between tasks. Those who wait get it in the order in which they came, and nobody overtakes them. It is not
 * tied to the task that holds it. Python: `asyncio.Lock`.
 */
export class Lock extends LoopBound {
  #holder: Guard | null = null;
  readonly #waiters = new Line();

  /** Whether somebody holds the lock. Python: `Lock.locked`. */
  locked(): boolean {
    return this.#holder !== null;
  }

  /**
   * Wait until the lock is free, and take it; at once, without a turn of the loop, if it is free and nobody waits.
   * Throws RuntimeError if the lock belongs to another loop. Cancel safety: nothing is lost, the next in line is woken
   * if need be. Python: `Lock.acquire`.
   */
  acquire(): Coroutine<Guard> {
    return new Coroutine(this.#acquire(), "Lock.acquire");
  }

  /** Free the lock, and wake the first who waits. Throws RuntimeError if nobody holds it. Python: `Lock.release`. */
  release(): void {
    if (this.#holder === null) throw new RuntimeError("Lock is not acquired.");
    this.#holder = null;
    this.#wakeFirst();
  }

  /** @internal Free the lock for a while; its guard will hold it again after {@link resume}. */
  suspend(): Guard {
    const guard = this.#holder;
    this.release();
    return guard!;
  }

  /** @internal */
  *resume(guard: Guard): Generator<Suspension, void, unknown> {
    yield* this.#acquire(guard);
  }

  *#acquire(guard = this.#newGuard()): Generator<Suspension, Guard, unknown> {
    if (this.#holder === null && this.#waiters.abandoned) return this.#take(guard);
    const waiter = new Waiter({ loop: this.loop });
    this.#waiters.add(waiter);
    try {
      yield* waiter;
    } catch (error) {
      this.#waiters.delete(waiter);
      if (error instanceof CancelledError && this.#holder === null) this.#wakeFirst();
      throw error;
    }
    this.#waiters.delete(waiter);
    return this.#take(guard);
  }

  #newGuard(): Guard {
    return new Guard((guard) => {
      if (this.#holder === guard) this.release();
    });
  }

  #take(guard: Guard): Guard {
    this.#holder = guard;
    return guard;
  }

  /** Only the head: if it is woken already it has not run yet, and will take the lock. */
  #wakeFirst(): void {
    const { first } = this.#waiters;
    if (first !== null && !first.done()) first.setResult(undefined);
  }

  override toString(): string {
    return `<Lock [${this.locked() ? "locked" : "unlocked"}, waiters:${this.#waiters.length}]>`;
  }
}

/** A flag that tasks can wait for. Python: `asyncio.Event`. */
export class Event extends LoopBound {
  #value = false;
  readonly #waiters = new Line();

  /** Whether the flag is set. Python: `Event.is_set`. */
  isSet(): boolean {
    return this.#value;
  }

  /** Set the flag; all who wait go on. Python: `Event.set`. */
  set(): void {
    if (this.#value) return;
    this.#value = true;
    this.#waiters.wake(Number.POSITIVE_INFINITY);
  }

  /** Take the flag back: from now on `wait` waits. Python: `Event.clear`. */
  clear(): void {
    this.#value = false;
  }

  /**
   * Wait until the flag is set; at once if it is. Gives true. Throws RuntimeError if the event belongs to another
   * loop. Cancel safety: nothing is lost. Python: `Event.wait`.
   */
  wait(): Coroutine<true> {
    return new Coroutine(this.#wait(), "Event.wait");
  }

  *#wait() {
    if (this.#value) return true as const;
    const waiter = new Waiter({ loop: this.loop });
    this.#waiters.add(waiter);
    try {
      yield* waiter;
      return true as const;
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  override toString(): string {
    return `<Event [${this.#value ? "set" : "unset"}, waiters:${this.#waiters.length}]>`;
  }
}
