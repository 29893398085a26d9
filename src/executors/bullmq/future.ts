import { ConcurrentFuture } from "../futures.ts";
import type { Outcome } from "./outcome.ts";

/**
 * The future of a job in a queue. Cancelling it takes the job out of the queue; the signal of one that runs aborts, and
 * the future is cancelled when the worker says that it has ended.
 */
export class BullmqFuture<T = unknown> extends ConcurrentFuture<T> {
  /**
   * By which every process can pick the job up, see `BullmqExecutor.pickUp`, once the job is in Redis: that takes a
   * moment, see {@link submitted}.
   */
  readonly id: string;
  readonly #interrupt: () => void;
  readonly #waiters = new Set<ConcurrentFuture<void>>();
  #told = false;
  #stored = false;

  /** @internal */
  constructor(id: string, interrupt: () => void) {
    super();
    this.id = id;
    this.#interrupt = interrupt;
    this.addDoneCallback(() => this.#release());
  }

  /**
   * Done when the job is in Redis, so that any process can pick it up, and the end of this one loses nothing. It gets what
   * keeps the job from getting there: CancelledError if that is cancelled before, RuntimeError if the executor is closed
   * before, LookupError if there is no job to pick up, or what Redis says. An error that nobody waits for is no matter:
   * the future itself has it, too. Cancel safety: nothing is lost, and the job goes on.
   */
  submitted(): ConcurrentFuture<void> {
    const waiter = new ConcurrentFuture<void>();
    this.#waiters.add(waiter);
    waiter.addDoneCallback(() => this.#waiters.delete(waiter));
    if (this.#stored || this.done()) this.#release();
    return waiter;
  }

  protected override cancelRunning(): void {
    this.#interrupt();
  }

  /** @internal Whether it was cancelled here, so that the queue has to be told. */
  get withdrawn(): boolean {
    return this.cancelled() && !this.#told;
  }

  /** @internal What Redis says of the job. */
  follow(outcome: Outcome): void {
    this.#stored = true;
    this.#release();
    if (this.done() || outcome.kind === "queued") return;
    this.#told = outcome.kind !== "begun";
    if (outcome.kind === "cancelled") this.setCancelled();
    else if (outcome.kind === "error") this.setException(outcome.error);
    else if (outcome.kind === "result") this.setResult(outcome.value as T);
    else if (!this.running()) this.setRunningOrNotifyCancel();
  }

  /** @internal Redis has no such job, or nobody is left to ask it. */
  fail(error: unknown): void {
    if (!this.done()) this.setException(error);
  }

  #release(): void {
    for (const waiter of this.#waiters) {
      if (this.#stored) waiter.setResult();
      else if (this.cancelled()) waiter.cancel();
      else waiter.setException(this.exception());
    }
  }

  override toString(): string {
    return super.toString().replace(/>$/, ` id=${this.id}>`);
  }
}
