import { ConcurrentFuture } from "../futures.ts";
import type { Outcome } from "./outcome.ts";

/**
 * The future of a job in a queue. Cancelling it takes the job out of the queue; the signal of one that runs aborts, and
 * the future is cancelled when the worker says that it has ended.
 */
export class BullmqFuture<T = unknown> extends ConcurrentFuture<T> {
  /**
   * By which every process can pick the job up, see `BullmqExecutor.pickUp`, once the job is in Redis: that takes a moment,
   * and is certain when the future is running, or after the end of the executor's `await using` block.
   */
  readonly id: string;
  readonly #interrupt: () => void;
  #told = false;

  /** @internal */
  constructor(id: string, interrupt: () => void) {
    super();
    this.id = id;
    this.#interrupt = interrupt;
  }

  protected override cancelRunning(): void {
    this.#interrupt();
  }

  /** @internal Whether it was cancelled here, so that the queue has to be told. */
  get withdrawn(): boolean {
    return this.cancelled() && !this.#told;
  }

  /** @internal */
  follow(outcome: Outcome): void {
    if (this.done() || outcome.kind === "queued") return;
    this.#told = outcome.kind !== "begun";
    if (outcome.kind === "cancelled") this.setCancelled();
    else if (outcome.kind === "error") this.setException(outcome.error);
    else if (outcome.kind === "result") this.setResult(outcome.value as T);
    else if (!this.running()) this.setRunningOrNotifyCancel();
  }

  override toString(): string {
    return super.toString().replace(/>$/, ` id=${this.id}>`);
  }
}
