/** What can stand in one {@link LinkedList} at a time. Null where there is no neighbour. */
export interface Linked<T> {
  previous: T | null;
  next: T | null;
}

/** What holds a list by its ends. Null where the list is empty. */
export interface Ends<T> {
  first: T | null;
  last: T | null;
}

/** Put an item that stands in no list at the end. */
export function append<T extends Linked<T>>(list: Ends<T>, item: T): void {
  item.previous = list.last;
  if (list.last === null) list.first = item;
  else list.last.next = item;
  list.last = item;
}

/** Take out an item of this list; nothing if it stands in none. */
export function remove<T extends Linked<T>>(list: Ends<T>, item: T): void {
  if (item.previous === null && item !== list.first) return;
  if (item.previous === null) list.first = item.next;
  else item.previous.next = item.next;
  if (item.next === null) list.last = item.previous;
  else item.next.previous = item.previous;
  item.previous = null;
  item.next = null;
}

/** Oldest first. The item that one is at may be taken out. */
export function* itemsOf<T extends Linked<T>>(list: Ends<T>): Generator<T, void> {
  for (let item = list.first, next: T | null; item !== null; item = next) {
    next = item.next;
    yield item;
  }
}

/**
 * A list in which each item knows its neighbours: adding and taking out cost next to nothing, and no memory. While one goes
 * through it the item that one is at may be taken out.
 */
export class LinkedList<T extends Linked<T>> implements Ends<T>, Iterable<T> {
  /** The oldest item. */
  first: T | null = null;
  last: T | null = null;

  get empty(): boolean {
    return this.first === null;
  }

  /** Counts them. */
  get length(): number {
    let count = 0;
    for (let item = this.first; item !== null; item = item.next) count++;
    return count;
  }

  /** Put an item that stands in no list at the end. */
  add(item: T): void {
    append(this, item);
  }

  /** Take out an item of this list; nothing if it stands in none. */
  delete(item: T): void {
    remove(this, item);
  }

  [Symbol.iterator](): Generator<T, void> {
    return itemsOf(this);
  }
}
