import assert from "node:assert/strict";
import { LifoQueue, PriorityQueue, Queue, QueueEmpty, QueueFull, QueueShutDown } from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import {
  type Command,
  type Delay,
  holdsInEachFlavour,
  Line,
  pass,
  programs,
  type Worker,
  type World,
} from "./programs.ts";

/** A priority, and a number that makes the order total. */
type Item = readonly [priority: number, serial: number];
type QueueVerb = "put" | "get" | "putNowait" | "getNowait" | "join" | "shutdown" | "shutdown, immediate";

/** Takes the item out of the model that must come next. */
const nextOf = {
  Queue: (items: Item[]) => items.shift(),
  LifoQueue: (items: Item[]) => items.pop(),
  PriorityQueue: (items: Item[]) => items.sort(([p, s], [q, t]) => p - q || s - t).shift(),
};

/** No item is lost or comes twice, there are never too many, and nobody waits for an item or for room that is there. */
class QueueWorld implements World<QueueVerb> {
  protected readonly flavour: Flavour;
  readonly #queue: Queue<Item>;
  readonly #getters = new Line();
  readonly #putters = new Line();
  /** Those for whom it was never finished since they came. */
  readonly #joiners = new Line();
  #joining = 0;
  readonly #items: Item[] = [];
  #serial = 0;
  #unfinished = 0;
  #shutDown = false;

  constructor(flavour: Flavour, queue: Queue<Item>) {
    this.flavour = flavour;
    this.#queue = queue;
  }

  *perform(command: Command<QueueVerb>, worker: Worker): Steps<void> {
    try {
      yield* this.act(command, worker);
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
      assert.ok(this.#shutDown);
    } finally {
      this.#compare();
    }
  }

  *act({ verb, during, number }: Command<QueueVerb>, worker: Worker): Steps<void> {
    if (verb === "join") yield* this.#join(worker);
    else if (verb === "shutdown") this.#shutdown(false);
    else if (verb === "shutdown, immediate") this.#shutdown(true);
    else if (verb === "putNowait") this.#putNowait(number);
    else if (verb === "put") yield* this.#put(number, worker);
    else yield* this.#deal(verb === "get" ? yield* this.#get(worker) : this.#getNowait(), during);
  }

  *#put(priority: number, worker: Worker): Steps<void> {
    const item = this.#newItem(priority);
    yield* this.whileIn(this.#putters, worker, this.flavour.on(this.#queue.put(item)));
    this.#added(item);
  }

  *#get(worker: Worker): Steps<Item> {
    return this.#taken(yield* this.whileIn(this.#getters, worker, this.flavour.on(this.#queue.get())));
  }

  protected whileIn<T>(line: Line, worker: Worker, steps: Steps<T>): Steps<T> {
    return line.during(worker, steps);
  }

  #putNowait(priority: number): void {
    const item = this.#newItem(priority);
    try {
      this.#queue.putNowait(item);
      this.#added(item);
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error;
      assert.equal(this.#items.length, this.#queue.maxsize);
    }
  }

  #getNowait(): Item | null {
    try {
      return this.#taken(this.#queue.getNowait());
    } catch (error) {
      if (!(error instanceof QueueEmpty)) throw error;
      assert.deepEqual(this.#items, []);
      return null;
    }
  }

  /** Whoever took an item deals with it, also if he is cancelled. */
  *#deal(item: Item | null, during: Delay): Steps<void> {
    if (item === null) return;
    try {
      yield* pass(this.flavour, during);
    } finally {
      this.#queue.taskDone();
      this.#finish(1);
    }
  }

  *#join(worker: Worker): Steps<void> {
    const wasFinished = this.#unfinished === 0;
    this.#joining++;
    try {
      yield* this.#joiners.during(worker, this.#joined(worker, wasFinished));
    } finally {
      this.#joining--;
    }
  }

  *#joined(worker: Worker, wasFinished: boolean): Steps<void> {
    yield* this.flavour.on(this.#queue.join());
    assert.ok(wasFinished || !this.#joiners.has(worker), `${worker} joined what was not finished`);
  }

  #shutdown(immediate: boolean): void {
    this.#shutDown = true;
    this.#queue.shutdown({ immediate });
    if (immediate) this.#finish(this.#items.splice(0).length);
  }

  #newItem(priority: number): Item {
    return [priority, this.#serial++];
  }

  #added(item: Item): void {
    this.#items.push(item);
    this.#unfinished++;
    this.#compare();
  }

  #taken(item: Item): Item {
    const next = nextOf[this.#queue.constructor.name as keyof typeof nextOf](this.#items);
    assert.deepEqual(item, next);
    this.#compare();
    return item;
  }

  #finish(count: number): void {
    this.#unfinished -= count;
    if (this.#unfinished > 0) return;
    for (let first = this.#joiners.first; first !== undefined; first = this.#joiners.first) {
      this.#joiners.leave(first);
    }
  }

  #compare(): void {
    const { length } = this.#items;
    const { maxsize } = this.#queue;
    assert.equal(this.#queue.qsize(), length);
    assert.equal(this.#queue.empty(), length === 0);
    assert.equal(this.#queue.full(), maxsize > 0 && length >= maxsize);
    assert.ok(maxsize === 0 || length <= maxsize);
  }

  atRest(): void {
    this.#compare();
    if (this.#shutDown || !this.#queue.empty())
      assert.equal(String(this.#getters), "[]", "wait though there are items");
    if (this.#shutDown || !this.#queue.full())
      assert.equal(String(this.#putters), "[]", "wait though there is room");
    assert.equal(this.#joining, this.#joiners.length, "wait though all was finished");
    const [, unfinished = "0"] = /unfinished=(\d+)/.exec(String(this.#queue)) ?? [];
    assert.equal(Number(unfinished), this.#unfinished);
  }

  atEnd(): void {
    this.#compare();
    assert.doesNotMatch(String(this.#queue), /getters|putters/);
    while (!this.#queue.empty()) this.#taken(this.#queue.getNowait());
  }
}

/**
 * Who comes while an item is handed over may get it first, as in CPython. Here nobody does: those who wait come in even
 * seconds, what they wait for in odd ones. Then they get it in their order.
 */
class PatientQueueWorld extends QueueWorld {
  override *act(command: Command<QueueVerb>, worker: Worker): Steps<void> {
    const { verb, before } = command;
    const waits = verb === "get" || verb === "put";
    yield* pass(this.flavour, { seconds: before.seconds + (waits ? 0 : 1), turns: before.turns });
    yield* super.act(command, worker);
  }

  protected override whileIn<T>(line: Line, worker: Worker, steps: Steps<T>): Steps<T> {
    return line.inOrder(worker, steps);
  }
}

const queuePrograms = programs<QueueVerb>(
  ["put", "put", "put", "put", "get", "get", "get", "get", "putNowait", "getNowait", "join"],
  { sizes: { min: 0, max: 3 } },
);
const shutdownPrograms = programs<QueueVerb>(
  ["put", "put", "put", "get", "get", "get", "join", "shutdown", "shutdown, immediate"],
  { sizes: { min: 0, max: 3 } },
);
const patient = { sizes: { min: 1, max: 2 }, commandsPerTask: 1 };

for (const Kind of [Queue<Item>, PriorityQueue<Item>, LifoQueue<Item>]) {
  const makeWorld = (flavour: Flavour, size: number) => new QueueWorld(flavour, new Kind(size));
  holdsInEachFlavour(Kind.name, queuePrograms, makeWorld, 200);
  holdsInEachFlavour(`${Kind.name}, with shutdowns`, shutdownPrograms, makeWorld, 100);
}

for (const verbs of [["get", "putNowait"] as const, ["put", "getNowait"] as const]) {
  holdsInEachFlavour(
    `Queue: those who wait to ${verbs[0]} do so in their order`,
    programs<QueueVerb>(verbs, patient),
    (flavour, size) => new PatientQueueWorld(flavour, new Queue(size)),
  );
}
