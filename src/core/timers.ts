import { MIN_CANCELLED_TIMER_HANDLES_FRACTION, MIN_SCHEDULED_TIMER_HANDLES } from "./constants.ts";
import type { TimerHandle } from "./handles.ts";
import { Heap } from "./heap.ts";

/**
 * The scheduled timers: a heap by due time, equal due times in the order they were made (CPython leaves that order
 * open).
 *
 * A cancelled timer stays until it comes to the front, or until too many are cancelled: so cancelling is O(1).
 *
 * The heap holds the handles themselves. Entries beside them would be old objects by the time that they are dropped, and would
 * keep what they lead to through many rounds of the garbage collector: that took longer than all the rest.
 */
export class Timers {
  #heap = new Heap<TimerHandle>(byDueTime);
  #sequence = 0;
  #cancelled = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(handle: TimerHandle): void {
    handle.sequence = this.#sequence++;
    this.#heap.push(handle);
  }

  /** Called by a scheduled timer that is being cancelled. */
  noteCancelled(): void {
    this.#cancelled++;
  }

  /** When the next timer is due, or null without one. Drops cancelled timers on the way. */
  next(): number | null {
    this.#purge();
    return this.#heap.first?.when() ?? null;
  }

  /** Take out the timers due by `time` in their order, cancelled ones included. */
  *due(time: number): Generator<TimerHandle, void> {
    while (this.#heap.first !== undefined && this.#heap.first.when() <= time) yield this.#shift();
  }

  clear(): void {
    this.#heap = new Heap(byDueTime);
    this.#cancelled = 0;
  }

  #purge(): void {
    const count = this.#heap.length;
    if (
      count > MIN_SCHEDULED_TIMER_HANDLES &&
      this.#cancelled / count > MIN_CANCELLED_TIMER_HANDLES_FRACTION
    ) {
      this.#rebuild();
    }
    while (this.#heap.first?.cancelled()) this.#shift();
  }

  #rebuild(): void {
    const heap = new Heap<TimerHandle>(byDueTime);
    for (const handle of this.#heap) {
      if (handle.cancelled()) handle.sequence = -1;
      else heap.push(handle);
    }
    this.#heap = heap;
    this.#cancelled = 0;
  }

  #shift(): TimerHandle {
    const handle = this.#heap.shift();
    handle.sequence = -1;
    if (handle.cancelled()) this.#cancelled--;
    return handle;
  }
}

function byDueTime(a: TimerHandle, b: TimerHandle): number {
  return a.when() - b.when() || a.sequence - b.sequence;
}
