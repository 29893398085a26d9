import { inspect } from "node:util";
import type { Suspension } from "../core/awaitables.ts";
import { Coroutine } from "../core/coroutines.ts";
import { QueueEmpty, QueueFull, QueueShutDown, ValueError } from "../core/errors.ts";
import { Heap } from "../core/heap.ts";
import { Deque } from "./deque.ts";
import { Event } from "./locks.ts";
import { LoopBound } from "./mixins.ts";
import { Line, Waiter } from "./waiters.ts";

/** How a queue keeps its items. */
export interface Store<T> extends Iterable<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T;
}

/**
 * A queue between tasks, first in, first out. Not for other threads. Iterating over it with `for await` gets item
 * after item until it is shut down. Python: `asyncio.Queue`.
 */
export class Queue<T> extends LoopBound {
  /** How many items it takes; 0 or less, or Infinity, for any number. Python: `Queue.maxsize`. */
  readonly maxsize: number;
  readonly #items: Store<T>;
  readonly #getters = new Line();
  readonly #putters = new Line();
  readonly #finished = new Event();
  #unfinished = 0;
  #shutDown = false;

  /** Throws TypeError if `maxsize` is neither an integer nor infinite. */
  constructor(maxsize = 0, store: Store<T> = new Deque<T>()) {
    super();
    if (!Number.isInteger(maxsize) && maxsize !== Number.POSITIVE_INFINITY) {
      throw new TypeError(`maxsize must be an integer, not ${inspect(maxsize)}`);
    }
    this.maxsize = maxsize;
    this.#items = store;
    this.#finished.set();
  }

  /** How many items are in it. Python: `Queue.qsize`. */
  qsize(): number {
    return this.#items.length;
  }

  /** Whether it holds nothing. Python: `Queue.empty`. */
  empty(): boolean {
    return this.#items.length === 0;
  }

  /** Whether it holds `maxsize` items. Python: `Queue.full`. */
  full(): boolean {
    return this.maxsize > 0 && this.#items.length >= this.maxsize;
  }

  /**
   * Add `item`, waiting for room if it is full. Throws QueueShutDown if the queue is or gets shut down.
   * Cancel safety: the item is not added. Python: `Queue.put`.
   */
  put(item: T): Coroutine<void> {
    return new Coroutine(this.#put(item), "Queue.put");
  }

  /** Add `item` now. Throws QueueFull if there is no room, QueueShutDown after a shutdown. Python: `Queue.put_nowait`. */
  putNowait(item: T): void {
    if (this.#shutDown) throw new QueueShutDown("the queue was shut down");
    if (this.full()) throw new QueueFull(`the queue holds ${this.maxsize} items, its maximum`);
    this.#items.push(item);
    this.#unfinished++;
    this.#finished.clear();
    wakeNext(this.#getters);
  }

  /**
   * Take the next item out, waiting for one if it is empty; without a turn of the loop if it is not. Throws
   * QueueShutDown once the queue is shut down and empty. Cancel safety: no item is lost, the next in line is woken if
   * need be. Python: `Queue.get`.
   */
  get(): Coroutine<T> {
    return new Coroutine(this.#get(), "Queue.get");
  }

  /** Take the next item out now. Throws QueueEmpty if there is none, QueueShutDown if there will not be any. Python: `Queue.get_nowait`. */
  getNowait(): T {
    if (this.empty()) {
      throw this.#shutDown
        ? new QueueShutDown("the queue was shut down")
        : new QueueEmpty("the queue is empty");
    }
    const item = this.#items.shift();
    wakeNext(this.#putters);
    return item;
  }

  /** Say that an item which was taken out has been dealt with. Throws ValueError if called more often than items were put. Python: `Queue.task_done`. */
  taskDone(): void {
    if (this.#unfinished <= 0) throw new ValueError("taskDone() called too many times");
    if (--this.#unfinished === 0) this.#finished.set();
  }

  /** Wait until each item that was put has been dealt with. Cancel safety: nothing is lost. Python: `Queue.join`. */
  join(): Coroutine<void> {
    return new Coroutine(this.#join(), "Queue.join");
  }

  /**
   * Refuse further items; those in the queue can still be taken out, unless `immediate`, which drops them and counts
   * them as dealt with. All who wait are woken. Throws TypeError if `options` is no object. Python: `Queue.shutdown`.
   */
  shutdown(options: { immediate?: boolean } = {}): void {
    // In Python it can be given by position, and `shutdown(true)` would go unnoticed.
    if (typeof options !== "object") throw new TypeError(`expected {immediate}, not ${inspect(options)}`);
    this.#shutDown = true;
    if (options.immediate) this.#drop();
    wakeAll(this.#getters);
    wakeAll(this.#putters);
  }

  /** By hand: an async generator would await the items, where they are futures. */
  [Symbol.asyncIterator](): { next(): Coroutine<IteratorResult<T, undefined>> } {
    return { next: () => new Coroutine(this.#next(), "Queue.next") };
  }

  #drop(): void {
    while (!this.empty()) {
      this.#items.shift();
      if (this.#unfinished > 0) this.#unfinished--;
    }
    if (this.#unfinished === 0) this.#finished.set();
  }

  *#join() {
    if (this.#unfinished > 0) yield* this.#finished.wait();
  }

  *#next(): Generator<Suspension, IteratorResult<T, undefined>, unknown> {
    try {
      return { done: false, value: yield* this.#get() };
    } catch (error) {
      if (error instanceof QueueShutDown) return { done: true, value: undefined };
      throw error;
    }
  }

  *#put(item: T) {
    while (this.full()) {
      if (this.#shutDown) throw new QueueShutDown("the queue was shut down");
      yield* this.#waitAmong(this.#putters, () => !this.full());
    }
    try {
      this.putNowait(item);
    } catch (error) {
      // Refused by a PriorityQueue, which cannot compare it: the room is still there, for the next.
      if (!this.full()) wakeNext(this.#putters);
      throw error;
    }
  }

  *#get() {
    while (this.empty()) {
      if (this.#shutDown) throw new QueueShutDown("the queue was shut down");
      yield* this.#waitAmong(this.#getters, () => !this.empty());
    }
    return this.getNowait();
  }

  /** @internal What a getter or putter waits for. */
  protected createWaiter(): Waiter {
    return new Waiter({ loop: this.loop });
  }

  /** Whoever is cancelled after being woken passes the wake-up on, if there is still something to wake for. */
  *#waitAmong(waiters: Line, worthwhile: () => boolean) {
    const waiter = this.createWaiter();
    waiters.add(waiter);
    try {
      yield* waiter;
    } catch (error) {
      waiter.cancel();
      waiters.delete(waiter);
      if (worthwhile() && !waiter.cancelled()) wakeNext(waiters);
      throw error;
    }
  }

  override toString(): string {
    const parts = [`maxsize=${this.maxsize}`, `items=${inspect([...this.#items], { depth: 0 })}`];
    if (!this.#getters.empty) parts.push(`getters=${this.#getters.length}`);
    if (!this.#putters.empty) parts.push(`putters=${this.#putters.length}`);
    if (this.#unfinished > 0) parts.push(`unfinished=${this.#unfinished}`);
    if (this.#shutDown) parts.push("shutdown");
    return `<${this.constructor.name} ${parts.join(" ")}>`;
  }
}

/** A queue that gives the smallest item first. Python: `asyncio.PriorityQueue`. */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * `compare(a, b)` says which comes first: below 0 is `a`, above 0 is `b`. Without it, items are compared as Python
   * does: numbers, strings and arrays of them, item by item, such as `[priority, name]`; TypeError for anything else.
   * Equal items come in no particular order. Throws as {@link Queue} does; TypeError if `compare` is not a function.
   */
  constructor(maxsize = 0, { compare = inOrder }: { compare?: (a: T, b: T) => number } = {}) {
    if (typeof compare !== "function") {
      throw new TypeError(`compare must be a function, not ${inspect(compare)}`);
    }
    super(maxsize, new Heap<T>(compare));
  }
}

/** A queue that gives the item first that was added last. Python: `asyncio.LifoQueue`. */
export class LifoQueue<T> extends Queue<T> {
  constructor(maxsize = 0) {
    super(maxsize, new Stack<T>());
  }
}

/** Last in, first out. */
class Stack<T> extends Array<T> {
  override shift(): T {
    return this.pop() as T;
  }
}

/** The order of Python's numbers, strings and tuples. */
function inOrder(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return inOrderOfItems(a, b);
  const comparable = typeof a === typeof b && ["number", "bigint", "string", "boolean"].includes(typeof a);
  if (!comparable) {
    throw new TypeError(
      `${inspect(a)} and ${inspect(b)} have no order: give the PriorityQueue a compare function`,
    );
  }
  return (a as number) < (b as number) ? -1 : Number((a as number) > (b as number));
}

function inOrderOfItems(a: readonly unknown[], b: readonly unknown[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    // As in Python's tuples, the same thing twice needs no order: two entries [priority, callback] may be alike.
    if (a[index] === b[index]) continue;
    const order = inOrder(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function wakeNext(waiters: Line): void {
  for (let { first } = waiters; first !== null; { first } = waiters) {
    waiters.delete(first);
    if (first.done()) continue;
    first.setResult(undefined);
    return;
  }
}

function wakeAll(waiters: Line): void {
  while (!waiters.empty) wakeNext(waiters);
}
