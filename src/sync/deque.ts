/** First in, first out, in O(1): an array with a moving head. */
export class Deque<T> implements Iterable<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest item; undefined if there is none. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item. Only for a deque that is not empty. */
  shift(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head++] = undefined as T;
    if (this.#head * 2 > this.#items.length) this.#compact();
    return item;
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index] as T;
  }

  /** Moving the rest down when half is gone costs each item one move on average. */
  #compact(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
