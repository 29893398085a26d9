import assert from "node:assert/strict";
import {
  type Awaitable,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CancelledError,
  Condition,
  Event,
  type Guard,
  Lock,
  Semaphore,
} from "../../src/index.ts";
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

/** What a lock and the semaphores have in common. */
interface Gate {
  acquire(): Awaitable<Guard>;
  release(): void;
  locked(): boolean;
}

type GateVerb = "hold" | "hold, release by hand";

/** Never more inside than there is room for; those who wait come in in their order, and only while it is full. */
class GateWorld implements World<GateVerb> {
  readonly #flavour: Flavour;
  readonly #size: number;
  readonly #line = new Line();
  protected readonly gate: Gate;
  #inside = 0;

  constructor(flavour: Flavour, gate: Gate, size: number) {
    this.#flavour = flavour;
    this.gate = gate;
    this.#size = size;
  }

  *perform({ verb, during }: Command<GateVerb>, worker: Worker): Steps<void> {
    const guard = yield* this.#line.inOrder(worker, this.#flavour.on(this.gate.acquire()));
    this.#inside++;
    try {
      assert.ok(this.#inside <= this.#size, `${this.#inside} are inside, room is for ${this.#size}`);
      if (this.#inside === this.#size) assert.equal(this.gate.locked(), true);
      yield* pass(this.#flavour, during);
    } finally {
      this.#inside--;
      if (verb === "hold") for (let i = 0; i < 2; i++) guard.release();
      else this.releaseByHand(guard);
    }
  }

  protected releaseByHand(_guard: Guard): void {
    this.gate.release();
  }

  atRest(): void {
    assert.equal(this.gate.locked(), this.#inside === this.#size);
    if (this.#inside < this.#size) assert.equal(String(this.#line), "[]", "wait though there is room");
  }

  atEnd(): void {
    const value = this.gate instanceof Lock ? "" : `, value:${this.#size}`;
    assert.equal(String(this.gate), `<${this.gate.constructor.name} [unlocked${value}, waiters:0]>`);
  }
}

/** What was released by hand is not released by its guard, whoever holds the lock then. */
class LockWorld extends GateWorld {
  #spent: Guard | null = null;

  constructor(flavour: Flavour) {
    super(flavour, new Lock(), 1);
  }

  protected override releaseByHand(guard: Guard): void {
    this.#spent?.release();
    this.#spent = guard;
    this.gate.release();
  }
}

const gatePrograms = programs<GateVerb>(["hold", "hold, release by hand"]);

holdsInEachFlavour("Lock", gatePrograms, (flavour) => new LockWorld(flavour));

for (const Kind of [Semaphore, BoundedSemaphore]) {
  holdsInEachFlavour(
    Kind.name,
    gatePrograms,
    (flavour, size) => new GateWorld(flavour, new Kind(size), size),
  );
}

type EventVerb = "wait" | "set" | "clear";

/** Who waits goes on exactly if the event is set, or was since. */
class EventWorld implements World<EventVerb> {
  readonly #on: Flavour["on"];
  readonly #event = new Event();
  readonly #line = new Line();

  constructor({ on }: Flavour) {
    this.#on = on;
  }

  *perform({ verb }: Command<EventVerb>, worker: Worker): Steps<void> {
    if (verb === "wait") yield* this.#wait(worker);
    else if (verb === "clear") this.#event.clear();
    else {
      this.#event.set();
      // It is nobody's turn to wait any more, even if the event is cleared at once.
      for (let first = this.#line.first; first !== undefined; first = this.#line.first)
        this.#line.leave(first);
    }
  }

  *#wait(worker: Worker): Steps<void> {
    const isSet = this.#event.isSet();
    assert.equal(yield* this.#line.during(worker, this.#released(worker, isSet)), true);
  }

  *#released(worker: Worker, wasSet: boolean): Steps<true> {
    const result = yield* this.#on(this.#event.wait());
    assert.ok(wasSet || !this.#line.has(worker), `${worker} went on without a set()`);
    return result;
  }

  atRest(): void {
    assert.match(String(this.#event), new RegExp(`waiters:${this.#line.length}]`));
  }

  atEnd(): void {
    assert.match(String(this.#event), /waiters:0]/);
  }
}

holdsInEachFlavour(
  "Event",
  programs<EventVerb>(["wait", "wait", "set", "clear"]),
  (flavour) => new EventWorld(flavour),
);

type BufferVerb = "put" | "get" | "look";

/** A bounded buffer, made of two conditions that share a lock: nobody waits for an item that is there, or for room. */
class BufferWorld implements World<BufferVerb> {
  readonly #flavour: Flavour;
  readonly #size: number;
  readonly #lock = new Lock();
  readonly #notEmpty = new Condition(this.#lock);
  readonly #notFull = new Condition(this.#lock);
  readonly #getters = new Line();
  readonly #putters = new Line();
  #items = 0;
  #owner: Worker | null = null;

  constructor(flavour: Flavour, size: number) {
    this.#flavour = flavour;
    this.#size = size;
  }

  *perform({ verb, during }: Command<BufferVerb>, worker: Worker): Steps<void> {
    const guard = yield* this.#flavour.on(this.#notEmpty.acquire());
    this.#own(worker);
    try {
      if (verb === "put") yield* this.#put(worker, during);
      else if (verb === "get") yield* this.#get(worker, during);
      else yield* pass(this.#flavour, during);
    } finally {
      assert.equal(this.#owner, worker);
      this.#owner = null;
      guard.release();
    }
  }

  *#put(worker: Worker, during: Delay): Steps<void> {
    yield* this.#waitFor(this.#notFull, this.#putters, worker, () => this.#items < this.#size);
    this.#items++;
    this.#notEmpty.notify();
    yield* pass(this.#flavour, during);
  }

  *#get(worker: Worker, during: Delay): Steps<void> {
    yield* this.#waitFor(this.#notEmpty, this.#getters, worker, () => this.#items > 0);
    this.#items--;
    this.#notFull.notify();
    yield* pass(this.#flavour, during);
  }

  *#waitFor(condition: Condition, line: Line, worker: Worker, predicate: () => boolean): Steps<void> {
    const check = () => {
      this.#own(worker);
      if (!predicate()) this.#owner = null;
      return this.#owner !== null;
    };
    this.#owner = null;
    try {
      yield* line.during(worker, this.#flavour.on(condition.waitFor(check)));
    } catch (error) {
      this.#own(worker);
      throw error;
    }
  }

  #own(worker: Worker): void {
    assert.equal(this.#owner, null, `${worker} has the lock that ${this.#owner} holds`);
    assert.equal(this.#lock.locked(), true);
    this.#owner = worker;
  }

  atRest(): void {
    assert.equal(this.#lock.locked(), this.#owner !== null);
    if (this.#owner !== null) return;
    if (this.#items > 0)
      assert.equal(String(this.#getters), "[]", `wait though there are ${this.#items} items`);
    if (this.#items < this.#size) assert.equal(String(this.#putters), "[]", "wait though there is room");
  }

  atEnd(): void {
    for (const condition of [this.#notEmpty, this.#notFull]) {
      assert.equal(String(condition), "<Condition [unlocked, waiters:0]>");
    }
  }
}

holdsInEachFlavour(
  "two Conditions of one Lock, as a bounded buffer",
  programs<BufferVerb>(["put", "get", "look"]),
  (flavour, size) => new BufferWorld(flavour, size),
);

type ConditionVerb = "wait" | "notify" | "notifyAll";

/** Exactly those go on who were notified, in their order; what one who is cancelled was told goes to the next. */
class ConditionWorld implements World<ConditionVerb> {
  readonly #flavour: Flavour;
  readonly #condition = new Condition();
  readonly #sleeping = new Line();
  readonly #woken = new Line();

  constructor(flavour: Flavour) {
    this.#flavour = flavour;
  }

  *perform({ verb, during, number }: Command<ConditionVerb>, worker: Worker): Steps<void> {
    using _ = yield* this.#flavour.on(this.#condition.acquire());
    if (verb === "wait") yield* this.#wait(worker);
    else if (verb === "notify") this.#notify(number);
    else this.#notify(null);
    yield* pass(this.#flavour, during);
  }

  *#wait(worker: Worker): Steps<void> {
    this.#sleeping.enter(worker);
    try {
      yield* this.#flavour.on(this.#condition.wait());
      assert.equal(this.#woken.first, worker, `${worker} goes on before ${this.#woken.first}`);
    } catch (error) {
      if (error instanceof CancelledError) this.#wake(1);
      throw error;
    } finally {
      assert.equal(this.#condition.locked(), true);
      this.#woken.leave(worker);
    }
  }

  #notify(n: number | null): void {
    this.#wake(n ?? this.#sleeping.length);
    if (n === null) this.#condition.notifyAll();
    else this.#condition.notify(n);
  }

  #wake(n: number): void {
    for (let left = n; left > 0 && this.#sleeping.length > 0; left--) {
      const worker = this.#sleeping.first!;
      this.#sleeping.leave(worker);
      this.#woken.enter(worker);
    }
  }

  atRest(): void {
    if (!this.#condition.locked()) assert.equal(String(this.#woken), "[]", "were notified, and do not go on");
  }

  atEnd(): void {
    assert.equal(String(this.#condition), "<Condition [unlocked, waiters:0]>");
  }
}

holdsInEachFlavour(
  "Condition",
  programs<ConditionVerb>(["wait", "wait", "notify", "notifyAll"]),
  (flavour) => new ConditionWorld(flavour),
);

type BarrierVerb = "wait" | "reset" | "abort";

/** Nobody goes on before the round is complete, and then all do who are left. */
class BarrierWorld implements World<BarrierVerb> {
  readonly #on: Flavour["on"];
  readonly #barrier: Barrier;
  readonly #line = new Line();
  /** What those who went on got, in their order. */
  protected readonly indices: number[] = [];
  #lost = 0;

  constructor({ on }: Flavour, parties: number) {
    this.#on = on;
    this.#barrier = new Barrier(parties);
  }

  *perform({ verb }: Command<BarrierVerb>, worker: Worker): Steps<void> {
    if (verb !== "wait") yield* this.#on(this.#barrier[verb]());
    else yield* this.#wait(worker);
  }

  *#wait(worker: Worker): Steps<void> {
    try {
      this.indices.push(yield* this.#line.during(worker, this.#on(this.#barrier.wait())));
      assert.ok(this.indices.length <= this.#places, `${worker} goes on, but the round is not complete`);
    } catch (error) {
      this.#lost++;
      if (!(error instanceof BrokenBarrierError)) throw error;
    }
  }

  /** How many could have gone on in the rounds that were completed. The one who completes it goes on first. */
  get #places(): number {
    const { parties } = this.#barrier;
    return parties * this.indices.filter((index) => index === parties - 1).length;
  }

  atRest(): void {
    const { broken, nWaiting, parties } = this.#barrier;
    assert.match(String(this.#barrier), broken ? /broken/ : /filling/);
    assert.equal(nWaiting, this.#line.length);
    assert.ok(nWaiting < (broken ? 1 : parties), `${nWaiting} of ${parties} wait`);
    assert.ok(
      this.indices.length + this.#lost >= this.#places,
      "somebody did not come out of a complete round",
    );
  }

  atEnd(): void {
    assert.equal(this.#barrier.nWaiting, 0);
  }
}

/** Where nobody is cancelled each round has each number. */
class UndisturbedBarrierWorld extends BarrierWorld {
  readonly #parties: number;

  constructor(flavour: Flavour, parties: number) {
    super(flavour, parties);
    this.#parties = parties;
  }

  override atRest(): void {
    super.atRest();
    const numbers = Array.from({ length: this.#parties }, (_, index) => index);
    for (let start = 0; start < this.indices.length; start += this.#parties) {
      const round = this.indices.slice(start, start + this.#parties);
      assert.equal(round[0], this.#parties - 1, "the last one goes on first");
      assert.deepEqual(round.sort(), numbers);
    }
  }
}

holdsInEachFlavour(
  "Barrier",
  programs<BarrierVerb>([...Array(8).fill("wait"), "reset", "abort"], { sizes: { min: 1, max: 4 } }),
  (flavour, size) => new BarrierWorld(flavour, size),
);

holdsInEachFlavour(
  "Barrier, where nobody is cancelled",
  programs<BarrierVerb>(["wait"], { sizes: { min: 1, max: 4 }, cancellations: 0 }),
  (flavour, size) => new UndisturbedBarrierWorld(flavour, size),
);
