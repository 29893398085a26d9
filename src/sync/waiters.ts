import { Future } from "../core/futures.ts";
import { type Linked, LinkedList } from "../core/linked-list.ts";

/** One who waits in a {@link Line}, for as long as it is in there. */
export class Waiter extends Future<void> implements Linked<Waiter> {
  previous: Waiter | null = null;
  next: Waiter | null = null;
}

/** Those who wait at a primitive, in the order in which they came. */
export class Line extends LinkedList<Waiter> {
  /** Whether nobody is in it but who was cancelled. */
  get abandoned(): boolean {
    let { first } = this;
    while (first?.cancelled()) first = first.next;
    return first === null;
  }

  /** Let the first `count` go on who were not told before; they stay in line until then. Gives how many there were. */
  wake(count: number): number {
    let woken = 0;
    for (let waiter = this.first; waiter !== null && woken < count; waiter = waiter.next) {
      if (waiter.done()) continue;
      waiter.setResult(undefined);
      woken++;
    }
    return woken;
  }
}
