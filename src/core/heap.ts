/** Says which of two comes first: below 0 the first, above 0 the second. */
export type Compare<T> = (a: T, b: T) => number;

/** A binary heap: the smallest item comes out first. Python: `heapq`. */
export class Heap<T> implements Iterable<T> {
  readonly #items: T[] = [];
  readonly #compare: Compare<T>;

  constructor(compare: Compare<T>) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#items.length;
  }

  /** The smallest item, which stays. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** If `compare` throws, the item is not added, and the others stay as they are. */
  push(item: T): void {
    const items = this.#items;
    const place = this.#placeAbove(item);
    for (let index = items.length; index > place; ) {
      const parent = (index - 1) >> 1;
      items[index] = items[parent] as T;
      index = parent;
    }
    items[place] = item;
  }

  /** Take the smallest item out. Only for a heap that is not empty. If `compare` throws, all stay as they are. */
  shift(): T {
    const items = this.#items;
    let carried = items[items.length - 1] as T;
    let index = this.#placeBelow(carried);
    items.pop();
    // What lies between the last item's new place and the top moves up by one, and the top one out.
    for (; index >= 0; index = (index - 1) >> 1) {
      const item = items[index] as T;
      items[index] = carried;
      carried = item;
    }
    return carried;
  }

  /** In no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  /** Where a new item belongs, on the way up from the end. Compares before anything is moved: `compare` may throw. */
  #placeAbove(item: T): number {
    let index = this.#items.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#compare(this.#items[parent] as T, item) <= 0) break;
      index = parent;
    }
    return index;
  }

  /** Where the last item belongs when the first is gone, on the way down from the top; -1 if it is the only one. */
  #placeBelow(last: T): number {
    const items = this.#items;
    const length = items.length - 1;
    let index = length > 0 ? 0 : -1;
    for (let child = 1; child < length; child = 2 * index + 1) {
      const right = child + 1;
      if (right < length && this.#compare(items[right] as T, items[child] as T) < 0) child = right;
      if (this.#compare(last, items[child] as T) <= 0) break;
      index = child;
    }
    return index;
  }
}
