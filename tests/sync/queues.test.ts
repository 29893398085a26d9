import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  getRunningLoop,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  type Task,
  TimeoutError,
  ValueError,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

const get = (queue: Queue<string>) => createTask(() => queue.get());
const put = (queue: Queue<string>, item: string) => createTask(() => queue.put(item));

inEachFlavour("items come out in the order in which they went in, without a turn", function* ({ on }) {
  const queue = new Queue<string>();
  yield* takesNoTurn(on(queue.put("a")));
  queue.putNowait("b");
  assert.equal(yield* takesNoTurn(on(queue.get())), "a");
  assert.equal(queue.getNowait(), "b");
});

test("a queue knows how many items it holds, and may hold", () => {
  const queue = new Queue<number>(2);
  assert.deepEqual([queue.maxsize, queue.qsize(), queue.empty(), queue.full()], [2, 0, true, false]);
  queue.putNowait(1);
  assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [1, false, false]);
  queue.putNowait(2);
  assert.deepEqual([queue.qsize(), queue.empty(), queue.full()], [2, false, true]);
});

test("a queue whose maximum is 0 or less is never full", () => {
  for (const maxsize of [undefined, 0, -1]) {
    const queue = new Queue<number>(maxsize);
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    assert.equal(queue.full(), false);
  }
});

test("the maximum must be a number", () => {
  assert.throws(() => new Queue("2" as never), TypeError);
  assert.throws(() => new Queue(Number.NaN), TypeError);
});

test("putNowait into a full queue and getNowait from an empty one throw", () => {
  const queue = new Queue<number>(1);
  assert.throws(() => queue.getNowait(), QueueEmpty);
  queue.putNowait(1);
  assert.throws(() => queue.putNowait(2), QueueFull);
  assert.equal(queue.getNowait(), 1);
});

inEachFlavour("get waits for an item; those who wait get theirs in their order", function* ({ on }) {
  const queue = new Queue<string>();
  const getters = [get(queue), get(queue)];
  yield* on(sleep(1));
  queue.putNowait("a");
  queue.putNowait("b");
  const items: string[] = [];
  for (const getter of getters) items.push(yield* on(getter));
  assert.deepEqual(items, ["a", "b"]);
});

inEachFlavour("put waits for room; those who wait put theirs in their order", function* ({ on }) {
  const queue = new Queue<string>(1);
  queue.putNowait("a");
  const putters = [put(queue, "b"), put(queue, "c")];
  yield* on(sleep(1));
  assert.equal(queue.qsize(), 1);
  const items: string[] = [];
  for (let i = 0; i < 3; i++) items.push(yield* on(queue.get()));
  assert.deepEqual(items, ["a", "b", "c"]);
  for (const putter of putters) yield* on(putter);
});

inEachFlavour("a getter that is cancelled takes no item", function* ({ on }) {
  const queue = new Queue<string>();
  yield* rejects(on(waitFor(queue.get(), 1)), TimeoutError);
  queue.putNowait("a");
  assert.equal(queue.qsize(), 1);
  assert.equal(inspect(queue), "<Queue maxsize=0 items=[ 'a' ] unfinished=1>");
});

inEachFlavour("a getter that is cancelled when it is its turn wakes the next", function* ({ on }) {
  const queue = new Queue<string>();
  const [chosen, next] = [get(queue), get(queue)];
  yield* on(sleep(0));
  queue.putNowait("a");
  chosen.cancel();
  yield* rejects(on(chosen), CancelledError);
  assert.equal(yield* on(next), "a");
});

inEachFlavour(
  "an item put in the iteration in which the first getter is cancelled goes to the next",
  function* ({ on }) {
    const queue = new Queue<string>();
    const [doomed, next] = [get(queue), get(queue)];
    yield* on(sleep(0));
    doomed.cancel();
    queue.putNowait("a");
    assert.equal(yield* on(next), "a");
    assert.equal(doomed.cancelled(), true);
  },
);

inEachFlavour("a putter whose room somebody else took waits again", function* ({ on }) {
  const queue = new Queue<string>(1);
  queue.putNowait("a");
  const waiting = put(queue, "waiting");
  yield* on(sleep(0));
  assert.equal(queue.getNowait(), "a");
  queue.putNowait("b");
  yield* on(sleep(1));
  assert.equal(waiting.done(), false);
  assert.equal(queue.getNowait(), "b");
  yield* on(waiting);
  assert.equal(queue.getNowait(), "waiting");
});

inEachFlavour("an immediate shutdown ends a join if nothing else is under way", function* ({ on }) {
  const queue = new Queue<string>();
  queue.putNowait("a");
  const joined = createTask(() => queue.join());
  yield* on(sleep(1));
  queue.shutdown({ immediate: true });
  yield* on(joined);
});

/** Those who wait to get something get what they are given, in their order. */
function* getInOrder({ on }: Flavour, queue: Queue<string>, getters: readonly Task<string>[]) {
  for (const index of getters.keys()) queue.putNowait(String(index));
  for (const [index, getter] of getters.entries()) assert.equal(yield* on(getter), String(index));
}

inEachFlavour(
  "a getter that is cancelled before its turn wakes nobody: all keep their places",
  function* (flavour) {
    const queue = new Queue<string>();
    const [first, doomed, ...others] = Array.from({ length: 4 }, () => get(queue)) as [
      Task<string>,
      Task<string>,
      ...Task<string>[],
    ];
    yield* flavour.on(sleep(0));
    doomed.cancel();
    queue.putNowait("a");
    yield* rejects(flavour.on(doomed), CancelledError);
    assert.equal(yield* flavour.on(first), "a");
    yield* getInOrder(flavour, queue, others);
  },
);

inEachFlavour(
  "a getter whose item somebody else took wakes nobody when it is cancelled",
  function* (flavour) {
    const queue = new Queue<string>();
    const [chosen, ...others] = Array.from({ length: 3 }, () => get(queue)) as [
      Task<string>,
      ...Task<string>[],
    ];
    yield* flavour.on(sleep(0));
    queue.putNowait("a");
    assert.equal(queue.getNowait(), "a");
    chosen.cancel();
    yield* rejects(flavour.on(chosen), CancelledError);
    yield* flavour.on(sleep(0));
    yield* getInOrder(flavour, queue, others);
  },
);

inEachFlavour(
  "who comes while an item is handed over may get it; the one it was for waits again",
  function* (flavour) {
    const queue = new Queue<string>();
    const waiting = get(queue);
    yield* flavour.on(sleep(0));
    queue.putNowait("a");
    assert.equal(yield* flavour.on(queue.get()), "a");
    yield* flavour.on(sleep(1));
    assert.equal(waiting.done(), false);
    yield* getInOrder(flavour, queue, [waiting]);
  },
);

inEachFlavour(
  "a putter that is cancelled puts nothing, and wakes the next if it was its turn",
  function* ({ on }) {
    const queue = new Queue<string>(1);
    queue.putNowait("a");
    const [given, chosen, next] = [put(queue, "given up"), put(queue, "chosen"), put(queue, "next")];
    yield* on(sleep(0));
    given.cancel();
    yield* rejects(on(given), CancelledError);
    assert.equal(queue.getNowait(), "a");
    chosen.cancel();
    yield* rejects(on(chosen), CancelledError);
    yield* on(next);
    assert.equal(queue.getNowait(), "next");
  },
);

inEachFlavour("join waits until each item has been dealt with", function* ({ on, coroutine }) {
  const queue = new Queue<string>();
  yield* takesNoTurn(on(queue.join()));
  for (const item of "abc") queue.putNowait(item);
  const worker = coroutine(function* () {
    for (;;) {
      yield* on(queue.get());
      yield* on(sleep(1));
      queue.taskDone();
    }
  });
  const workers = [createTask(worker()), createTask(worker())];
  yield* on(queue.join());
  assert.equal(getRunningLoop().time(), 2);
  for (const task of workers) {
    task.cancel();
    yield* rejects(on(task), CancelledError);
  }
});

test("taskDone cannot be called more often than items were put", () => {
  const queue = new Queue<number>();
  assert.throws(() => queue.taskDone(), ValueError);
  queue.putNowait(1);
  queue.taskDone();
  assert.throws(() => queue.taskDone(), { name: "ValueError", message: "taskDone() called too many times" });
});

inEachFlavour("a queue that is shut down takes no items, and gives those it holds", function* ({ on }) {
  const queue = new Queue<string>();
  queue.putNowait("a");
  queue.shutdown();
  queue.shutdown();
  assert.throws(() => queue.putNowait("b"), QueueShutDown);
  yield* rejects(on(queue.put("b")), QueueShutDown);
  assert.equal(yield* on(queue.get()), "a");
  yield* rejects(on(queue.get()), QueueShutDown);
  assert.throws(() => queue.getNowait(), QueueShutDown);
});

inEachFlavour("a shutdown wakes all who wait", function* ({ on }) {
  const empty = new Queue<string>();
  const full = new Queue<string>(1);
  full.putNowait("a");
  const waiting = [get(empty), get(empty), put(full, "b"), put(full, "c")];
  yield* on(sleep(1));
  empty.shutdown();
  full.shutdown();
  for (const task of waiting) yield* rejects(on<unknown>(task), QueueShutDown);
  assert.equal(full.qsize(), 1);
});

inEachFlavour("an immediate shutdown drops the items, and they count as dealt with", function* ({ on }) {
  const queue = new Queue<string>();
  queue.putNowait("a");
  queue.putNowait("b");
  queue.getNowait();
  const joined = createTask(() => queue.join());
  queue.shutdown({ immediate: true });
  assert.equal(queue.empty(), true);
  yield* on(sleep(1));
  assert.equal(joined.done(), false, "the item that was taken out is not dealt with");
  queue.taskDone();
  yield* on(joined);
  assert.throws(() => queue.taskDone(), ValueError);
});

test("for await gets the items until the queue is shut down", async () => {
  using loop = newLoop();
  const queue = new Queue<number>(1);
  const produce = async () => {
    for (let i = 0; i < 5; i++) await queue.put(i);
    queue.shutdown();
  };
  const items = await loop.runUntilComplete(async () => {
    const producer = createTask(produce);
    const all: number[] = [];
    for await (const item of queue) all.push(item);
    await producer;
    return all;
  });
  assert.deepEqual(items, [0, 1, 2, 3, 4]);
});

test("a for await that is left leaves the rest in the queue, and its body's errors come out", async () => {
  using loop = newLoop();
  const queue = new Queue<number>();
  for (let i = 0; i < 3; i++) queue.putNowait(i);
  const failing = async () => {
    for await (const item of queue) if (item === 1) throw new QueueShutDown("mine");
  };
  await assert.rejects(loop.runUntilComplete(failing), { name: "QueueShutDown", message: "mine" });
  assert.equal(queue.getNowait(), 2);
});

test("a for await over a queue can be cancelled", async () => {
  using loop = newLoop();
  const queue = new Queue<number>();
  const task = loop.createTask(async () => {
    for await (const _ of queue);
  });
  await loop.runUntilComplete(() => sleep(1));
  task.cancel("enough");
  await assert.rejects(loop.runUntilComplete(task), { name: "CancelledError", message: "enough" });
  assert.equal(String(queue), "<Queue maxsize=0 items=[]>");
});

test("for await gives items that are promises or futures as they are", async () => {
  using loop = newLoop();
  const queue = new Queue<Promise<string>>();
  const item = Promise.resolve("result");
  queue.putNowait(item);
  queue.shutdown();
  await loop.runUntilComplete(async () => {
    for await (const seen of queue) assert.equal(seen, item);
  });
});

test("a queue belongs to the loop in which somebody first waited at it", async () => {
  using first = newLoop();
  using second = newLoop();
  const queue = new Queue<string>();
  const waits = () => waitFor(queue.get(), 1);
  await assert.rejects(first.runUntilComplete(waits), TimeoutError);
  await assert.rejects(second.runUntilComplete(waits), {
    name: "RuntimeError",
    message: /different event loop$/,
  });
  queue.putNowait("a");
  assert.equal(await second.runUntilComplete(waits), "a");
});

inEachFlavour("a queue shows what it holds and who waits", function* ({ on }) {
  const queue = new Queue<string>(1);
  assert.equal(String(queue), "<Queue maxsize=1 items=[]>");
  const getter = get(queue);
  yield* on(sleep(0));
  assert.equal(String(queue), "<Queue maxsize=1 items=[] getters=1>");
  queue.putNowait("a");
  yield* on(getter);
  queue.putNowait("b");
  const putter = put(queue, "c");
  yield* on(sleep(0));
  assert.equal(inspect(queue), "<Queue maxsize=1 items=[ 'b' ] putters=1 unfinished=2>");
  queue.shutdown();
  yield* rejects(on(putter), QueueShutDown);
  assert.equal(String(queue), "<Queue maxsize=1 items=[ 'b' ] unfinished=2 shutdown>");
});
