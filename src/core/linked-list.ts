/** What can stand in one {@link LinkedList} at a time. Null where there is no neighbour. */
export interface Linked<T> {
  previous: T | null;
  next: T | null;
}

/**
 * A list in which each item knows its neighbours: adding and taking out cost next to nothing, and no memory. While one goes
 * through it the item that one is at may be taken out.
 */
export class LinkedList<T extends Linked<T>> implements Iterable<T> {
  #first: T | null = null;
  #last: T | null = null;

  /** The oldest item. */
  get first(): T | null {
    return this.#first;
  }

  get empty(): boolean {
    return this.#first === null;
  }

  /** Counts them. */
  get length(): number {
    let count = 0;
    for (let item = this.#first; item !== null; item = item.next) count++;
    return count;
  }

  /** Put an item that stands in no list at the end. */
  add(item: T): void {
    item.previous = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
  }

  /** Take out an item of this list; nothing if it stands in none. */
  delete(item: T): void {
    if (item.previous === null && item !== this.#first) return;
    if (item.previous === null) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.previous = null;
    item.next = null;
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let item = this.#first, next: T | null; item !== null; item = next) {
      next = item.next;
      yield item;
    }
  }
}
