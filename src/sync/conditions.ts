import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { CancelledError, RuntimeError } from "../core/errors.ts";
import { type Guard, Lock } from "./locks.ts";
import { LoopBound } from "./mixins.ts";
import { Line, Waiter } from "./waiters.ts";

/**
 * A lock whose holder can wait until another holder says that something has changed. Python: `asyncio.Condition`.
 *
 * ```ts
 * using guard = await condition.acquire();
 * await condition.waitFor(() => items.length > 0);
 * ```
 */
export class Condition extends LoopBound {
  readonly #lock: Lock;
  readonly #waiters = new Line();

  /** With a lock of its own, or with `lock`, which several conditions may share. Throws TypeError if that is no lock. */
  constructor(lock: Lock = new Lock()) {
    super();
    if (!(lock instanceof Lock)) throw new TypeError(`a Lock was expected, not ${inspect(lock)}`);
    this.#lock = lock;
  }

  /** Whether somebody holds the lock. Python: `Condition.locked`. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /** As `Lock.acquire`. Python: `Condition.acquire`. */
  acquire(): Coroutine<Guard> {
    return this.#lock.acquire();
  }

  /** As `Lock.release`. Python: `Condition.release`. */
  release(): void {
    this.#lock.release();
  }

  /**
   * Give the lock away until somebody notifies, and take it again; gives true. Without a reason at times, so check
   * what you waited for, or use {@link waitFor}.
   *
   * Throws RuntimeError if the lock is not held. Cancel safety: the lock is taken again before the CancelledError is
   * thrown, and a notification that came meanwhile is passed on. Python: `Condition.wait`.
   */
  wait(): Coroutine<true> {
    return new Coroutine(this.#wait(), "Condition.wait");
  }

  /**
   * {@link wait} until `predicate()` is true, not at all if it is; gives what it gave last. Throws as `wait` does, and
   * what `predicate` throws; TypeError if that is not a function. Python: `Condition.wait_for`.
   */
  waitFor<T>(predicate: () => T): Coroutine<T> {
    if (typeof predicate !== "function") {
      throw new TypeError(`predicate must be a function, not ${inspect(predicate)}`);
    }
    return new Coroutine(this.#waitFor(predicate), "Condition.waitFor");
  }

  /**
   * Wake `n` of those who wait; they go on when they get the lock. Throws RuntimeError if the lock is not held,
   * TypeError if `n` is no integer. Python: `Condition.notify`.
   */
  notify(n = 1): void {
    if (!Number.isInteger(n)) throw new TypeError(`n must be an integer, not ${inspect(n)}`);
    if (!this.locked()) throw new RuntimeError("cannot notify on un-acquired lock");
    this.#waiters.wake(n);
  }

  /** Wake all who wait. Throws RuntimeError if the lock is not held. Python: `Condition.notify_all`. */
  notifyAll(): void {
    this.notify(this.#waiters.length);
  }

  *#wait(): Generator<Suspension, true, unknown> {
    if (!this.locked()) throw new RuntimeError("cannot wait on un-acquired lock");
    const waiter = new Waiter({ loop: this.loop });
    const guard = this.#lock.suspend();
    try {
      yield* this.#awaitAndResume(waiter, guard);
      return true;
    } catch (error) {
      // It may have been notified before it was cancelled: somebody else must hear of it. One wake-up too many is allowed.
      this.#waiters.wake(1);
      throw error;
    }
  }

  *#awaitAndResume(waiter: Waiter, guard: Guard) {
    this.#waiters.add(waiter);
    try {
      yield* waiter;
    } finally {
      this.#waiters.delete(waiter);
      yield* this.#resume(guard);
    }
  }

  /** However often it is cancelled meanwhile: whoever leaves `wait` holds the lock. The last cancellation counts. */
  *#resume(guard: Guard) {
    let cancellation: CancelledError | null = null;
    for (let held = false; !held; ) {
      try {
        yield* this.#lock.resume(guard);
        held = true;
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
        cancellation = error;
      }
    }
    if (cancellation !== null) throw cancellation;
  }

  *#waitFor<T>(predicate: () => T): Generator<Suspension, T, unknown> {
    let result = predicate();
    while (!result) {
      yield* this.wait();
      result = predicate();
    }
    return result;
  }

  override toString(): string {
    return `<Condition [${this.locked() ? "locked" : "unlocked"}, waiters:${this.#waiters.length}]>`;
  }
}
