import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

function drain<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty()) items.push(queue.getNowait());
  return items;
}

function fill<T>(queue: Queue<T>, items: Iterable<NoInfer<T>>): Queue<T> {
  for (const item of items) queue.putNowait(item);
  return queue;
}

const NO_ORDER = "have no order: give the PriorityQueue a compare function";

test("a PriorityQueue gives the smallest item first", () => {
  assert.deepEqual(drain(fill(new PriorityQueue<number>(), [3, 1, 10, 2, 1])), [1, 1, 2, 3, 10]);
  assert.deepEqual(drain(fill(new PriorityQueue<string>(), ["b", "a", "B", "aa", ""])), [
    "",
    "B",
    "a",
    "aa",
    "b",
  ]);
  assert.deepEqual(drain(fill(new PriorityQueue<bigint>(), [3n, -1n, 2n])), [-1n, 2n, 3n]);
  assert.deepEqual(drain(fill(new PriorityQueue<boolean>(), [true, false])), [false, true]);
});

test("arrays are compared as Python's tuples: item by item, and the shorter first", () => {
  const items = [[2, "a"], [1, "b"], [1], [1, "a", 0], [1, "a"], [], [10, ""]];
  const sorted = [[], [1], [1, "a"], [1, "a", 0], [1, "b"], [2, "a"], [10, ""]];
  assert.deepEqual(drain(fill(new PriorityQueue<(string | number)[]>(), items)), sorted);
  const nested = [
    [[1, 2], 0],
    [[1, 1], 9],
    [[1], 5],
  ];
  assert.deepEqual(drain(fill(new PriorityQueue<unknown>(), nested)), [
    [[1], 5],
    [[1, 1], 9],
    [[1, 2], 0],
  ]);
});

test("items are only compared as far as they are the same", () => {
  const [first, second] = [{ name: "first" }, { name: "second" }];
  const queue = fill(new PriorityQueue<[number, object]>(), [
    [2, second],
    [1, first],
  ]);
  assert.deepEqual(drain(queue), [
    [1, first],
    [2, second],
  ]);
});

test("the same thing twice needs no order", () => {
  const callback = () => {};
  for (const thing of [callback, null, undefined, Symbol("mine"), {}]) {
    const queue = fill(new PriorityQueue<unknown>(), [
      [2, thing],
      [1, thing],
      [1, thing],
    ]);
    assert.deepEqual(drain(queue), [
      [1, thing],
      [1, thing],
      [2, thing],
    ]);
  }
});

test("items without an order are refused by name, and the queue is as it was", () => {
  const object = { a: 1 };
  const pairs: [unknown, unknown][] = [
    [1, "a"],
    [object, { b: 2 }],
    [null, undefined],
    [1, [1]],
    [[1], { 0: 1 }],
    [1, 1n],
    [0, false],
  ];
  for (const [held, refused] of pairs) {
    const queue = fill(new PriorityQueue<unknown>(), [held]);
    assert.throws(() => queue.putNowait(refused), {
      name: "TypeError",
      message: `${inspect(held)} and ${inspect(refused)} ${NO_ORDER}`,
    });
    assert.equal(queue.qsize(), 1);
    assert.equal(queue.getNowait(), held);
    queue.taskDone();
    assert.throws(() => queue.taskDone(), { name: "ValueError" }, "what was refused does not count");
  }
});

test("in arrays the TypeError names the items that have no order", () => {
  const queue = fill(new PriorityQueue<unknown>(), [[1, { a: 1 }]]);
  assert.throws(() => queue.putNowait([1, { b: 2 }]), {
    name: "TypeError",
    message: `{ a: 1 } and { b: 2 } ${NO_ORDER}`,
  });
});

test("items that turn out to have no order when one is taken out stay in the queue", () => {
  const queue = fill(new PriorityQueue<unknown>(), [[0], [1, {}], [1, {}], [2]]);
  assert.throws(() => queue.getNowait(), TypeError);
  assert.equal(queue.qsize(), 4);
});

test("compare says which item comes first", () => {
  interface Job {
    readonly name: string;
    readonly urgency: number;
  }
  const queue = new PriorityQueue<Job>(0, { compare: (a, b) => b.urgency - a.urgency });
  fill(queue, [
    { name: "later", urgency: 1 },
    { name: "now", urgency: 9 },
    { name: "soon", urgency: 5 },
  ]);
  assert.deepEqual(
    drain(queue).map(({ name }) => name),
    ["now", "soon", "later"],
  );
});

test("what compare throws comes out of the put, and the item stays outside", () => {
  const queue = new PriorityQueue<number>(0, {
    compare: () => {
      throw new RangeError("mine");
    },
  });
  queue.putNowait(1);
  assert.throws(() => queue.putNowait(2), { name: "RangeError", message: "mine" });
  assert.deepEqual(drain(queue), [1]);
});

test("a LifoQueue gives the item first that was added last", () => {
  const queue = fill(new LifoQueue<number>(), [1, 2, 3]);
  assert.equal(queue.getNowait(), 3);
  queue.putNowait(4);
  assert.deepEqual(drain(queue), [4, 2, 1]);
});

inEachFlavour(
  "priorities count among the items that are there, not among those still to be put",
  function* ({ on }) {
    const queue = fill(new PriorityQueue<number>(2), [3, 2]);
    const putters = [1, 4].map((item) => createTask(queue.put(item)));
    yield* on(sleep(1));
    const items: number[] = [];
    for (let i = 0; i < 4; i++) {
      items.push(yield* on(queue.get()));
      yield* on(sleep(1));
    }
    assert.deepEqual(items, [2, 1, 3, 4]);
    for (const putter of putters) yield* on(putter);
  },
);

inEachFlavour(
  "a put that is refused when there is room at last leaves the room to the next",
  function* ({ on }) {
    const queue = fill(new PriorityQueue<unknown>(2), [1, 2]);
    const refused = createTask(queue.put("a"));
    const next = createTask(queue.put(3));
    yield* on(sleep(1));
    assert.equal(queue.getNowait(), 1);
    yield* rejects(on(refused), TypeError, `2 and 'a' ${NO_ORDER}`);
    yield* on(next);
    assert.deepEqual(drain(queue), [2, 3]);
  },
);

/** What all queues have in common is tested with Queue; here, that these two have it. */
for (const Kind of [PriorityQueue<number>, LifoQueue<number>]) {
  test(`${Kind.name}: maxsize, qsize, empty and full`, () => {
    const queue = new Kind(2);
    assert.ok(queue instanceof Queue);
    assert.deepEqual([queue.maxsize, queue.qsize(), queue.empty(), queue.full()], [2, 0, true, false]);
    assert.throws(() => queue.getNowait(), QueueEmpty);
    fill(queue, [1, 2]);
    assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [2, false, true]);
    assert.throws(() => queue.putNowait(3), QueueFull);
    assert.equal(new Kind().maxsize, 0);
    assert.throws(() => new Kind("2" as never), TypeError);
  });

  inEachFlavour(`${Kind.name}: get waits for an item, put for room`, function* ({ on }) {
    const queue = new Kind(1);
    const getter = createTask(queue.get());
    yield* on(sleep(1));
    yield* takesNoTurn(on(queue.put(1)));
    assert.equal(yield* on(getter), 1);
    yield* on(queue.put(2));
    const putter = createTask(queue.put(3));
    yield* on(sleep(1));
    assert.equal(putter.done(), false);
    assert.equal(yield* takesNoTurn(on(queue.get())), 2);
    yield* on(putter);
    assert.equal(queue.getNowait(), 3);
  });

  inEachFlavour(
    `${Kind.name}: a getter that is cancelled when it is its turn wakes the next`,
    function* ({ on }) {
      const queue = new Kind();
      const [chosen, next] = [createTask(queue.get()), createTask(queue.get())];
      yield* on(sleep(0));
      queue.putNowait(1);
      chosen.cancel();
      yield* rejects(on(chosen), CancelledError);
      assert.equal(yield* on(next), 1);
    },
  );

  inEachFlavour(`${Kind.name}: join waits until each item has been dealt with`, function* ({ on }) {
    const queue = fill(new Kind(), [1, 2]);
    const joined = createTask(queue.join());
    drain(queue);
    queue.taskDone();
    yield* on(sleep(1));
    assert.equal(joined.done(), false);
    queue.taskDone();
    yield* on(joined);
  });

  inEachFlavour(`${Kind.name}: shut down, it gives what it holds and then ends`, function* ({ on }) {
    const queue = fill(new Kind(), [1]);
    queue.shutdown();
    assert.throws(() => queue.putNowait(2), QueueShutDown);
    assert.equal(yield* on(queue.get()), 1);
    yield* rejects(on(queue.get()), QueueShutDown);
  });

  test(`${Kind.name}: an immediate shutdown drops what it holds`, async () => {
    using loop = newLoop();
    const queue = fill(new Kind(), [3, 1, 2]);
    queue.shutdown({ immediate: true });
    assert.equal(queue.empty(), true);
    await loop.runUntilComplete(queue.join());
  });

  test(`${Kind.name}: it shows its kind and what it holds`, () => {
    const queue = fill(new Kind(3), [1, 2]);
    assert.equal(String(queue), `<${Kind.name} maxsize=3 items=[ 1, 2 ] unfinished=2>`);
    assert.equal(inspect(queue), String(queue));
  });
}
