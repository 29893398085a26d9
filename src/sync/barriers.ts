import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { BrokenBarrierError, ValueError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import { Condition } from "./conditions.ts";

/**
 * filling: tasks come and wait. draining: all have come, and leave; who comes now waits for the next round.
 * resetting: those who wait leave with an error. broken: everybody gets an error, until a reset.
 */
type BarrierState = "filling" | "draining" | "resetting" | "broken";

/** A place where a fixed number of tasks wait for each other, round after round. Python: `asyncio.Barrier`. */
export class Barrier extends Inspectable {
  /** How many tasks make a round. Python: `Barrier.parties`. */
  readonly parties: number;
  readonly #condition = new Condition();
  #state: BarrierState = "filling";
  /** How many are inside: waiting or leaving. */
  #count = 0;

  /** Throws TypeError if `parties` is no integer, ValueError if it is below 1. */
  constructor(parties: number) {
    super();
    if (!Number.isInteger(parties))
      throw new TypeError(`parties must be an integer, not ${inspect(parties)}`);
    if (parties < 1) throw new ValueError(`parties must be >= 1, not ${parties}`);
    this.parties = parties;
  }

  /** How many wait for the others. Python: `Barrier.n_waiting`. */
  get nWaiting(): number {
    return this.#state === "filling" ? this.#count : 0;
  }

  /** Whether the barrier was aborted. Python: `Barrier.broken`. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Wait until `parties` tasks do; gives each another number, from 0 to `parties` - 1. It is how many were there before:
   * if one of them was cancelled since, two may get the same.
   *
   * Throws BrokenBarrierError if the barrier is broken, or is aborted or reset meanwhile; RuntimeError if it belongs to
   * another loop. Cancel safety: there is one less who waits, the others are left alone. Python: `Barrier.wait`.
   */
  wait(): Coroutine<number> {
    return new Coroutine(this.#holding(this.#waitInside()), "Barrier.wait");
  }

  /** Those who wait get BrokenBarrierError; then the barrier is as new. Python: `Barrier.reset`. */
  reset(): Coroutine<void> {
    return new Coroutine(this.#holding(this.#resetInside()), "Barrier.reset");
  }

  /** Those who wait, and all who come, get BrokenBarrierError, until a {@link reset}. Python: `Barrier.abort`. */
  abort(): Coroutine<void> {
    return new Coroutine(this.#holding(this.#abortInside()), "Barrier.abort");
  }

  *#holding<T>(body: Generator<Suspension, T, unknown>): Generator<Suspension, T, unknown> {
    using _held = yield* this.#condition.acquire();
    return yield* body;
  }

  *#waitInside(): Generator<Suspension, number, unknown> {
    yield* this.#condition.waitFor(() => this.#state !== "draining" && this.#state !== "resetting");
    if (this.#state === "broken") throw new BrokenBarrierError("Barrier aborted");
    const index = this.#count++;
    try {
      if (index + 1 === this.parties) this.#enter("draining");
      else yield* this.#untilReleased();
      return index;
    } finally {
      this.#count--;
      this.#leave();
    }
  }

  *#untilReleased() {
    yield* this.#condition.waitFor(() => this.#state !== "filling");
    if (this.#state !== "draining") throw new BrokenBarrierError("Abort or reset of barrier");
  }

  *#resetInside(): Generator<Suspension, void, unknown> {
    this.#enter(this.#count > 0 ? "resetting" : "filling");
  }

  *#abortInside(): Generator<Suspension, void, unknown> {
    this.#enter("broken");
  }

  #enter(state: BarrierState): void {
    this.#state = state;
    this.#condition.notifyAll();
  }

  /** The last one out opens the next round. */
  #leave(): void {
    if (this.#count > 0) return;
    this.#enter(this.#state === "broken" ? "broken" : "filling");
  }

  override toString(): string {
    const waiting = this.broken ? "" : `, waiters:${this.nWaiting}/${this.parties}`;
    return `<Barrier [${this.#state}${waiting}]>`;
  }
}
