import { MIN_CANCELLED_TIMER_HANDLES_FRACTION, MIN_SCHEDULED_TIMER_HANDLES } from "./constants.ts";
import type { TimerHandle } from "./handles.ts";

interface Entry {
  readonly when: number;
  readonly sequence: number;
  readonly handle: TimerHandle;
}

/**
 * The scheduled timers: a binary heap by due time, equal due times in the order they were made (CPython leaves that
 * order open).
 *
 * A cancelled timer stays until it comes to the front, or until too many are cancelled: so cancelling is O(1).
 */
export class Timers {
  #heap: Entry[] = [];
  #sequence = 0;
  #cancelled = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(handle: TimerHandle): void {
    handle.scheduled = true;
    const heap = this.#heap;
    heap.push({ when: handle.when(), sequence: this.#sequence++, handle });
    this.#siftUp(heap.length - 1);
  }

  /** Called by a scheduled timer that is being cancelled. */
  noteCancelled(): void {
    this.#cancelled++;
  }

  /** When the next timer is due, or null without one. Drops cancelled timers on the way. */
  next(): number | null {
    this.#purge();
    return this.#heap[0]?.when ?? null;
  }

  /** Take out the timers due by `time` in their order, cancelled ones included. */
  *due(time: number): Generator<TimerHandle, void> {
    for (let first = this.#heap[0]; first !== undefined && first.when <= time; first = this.#heap[0]) {
      yield this.#pop();
    }
  }

  clear(): void {
    this.#heap = [];
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
    while (this.#heap[0]?.handle.cancelled()) this.#pop();
  }

  #rebuild(): void {
    this.#heap = this.#heap.filter(({ handle }) => !handle.cancelled()).sort(byDueTime);
    this.#cancelled = 0;
  }

  #pop(): TimerHandle {
    const heap = this.#heap;
    const { handle } = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.#siftDown();
    }
    handle.scheduled = false;
    if (handle.cancelled()) this.#cancelled--;
    return handle;
  }

  #siftUp(index: number): void {
    const heap = this.#heap;
    const entry = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (byDueTime(heap[parent]!, entry) <= 0) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const entry = heap[0]!;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && byDueTime(heap[child + 1]!, heap[child]!) < 0) child++;
      if (byDueTime(entry, heap[child]!) <= 0) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}

function byDueTime(a: Entry, b: Entry): number {
  return a.when - b.when || a.sequence - b.sequence;
}
