import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  Barrier,
  BrokenBarrierError,
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  TimeoutError,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

/** Makes tasks that wait at the barrier, and log their name and what they got. */
function visitor({ on, coroutine }: Flavour, barrier: Barrier, log: string[]) {
  const visit = coroutine(function* (name: string) {
    try {
      const index = yield* on(barrier.wait());
      log.push(`${name}: ${index}`);
    } catch (error) {
      log.push(`${name}: ${(error as Error).name}`);
      throw error;
    }
  });
  return (name: string) => createTask(visit(name));
}

inEachFlavour("all go on when the last one has come, each with another number", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(3);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const tasks = [visit("a")];
  yield* on(sleep(1));
  tasks.push(visit("b"));
  yield* on(sleep(1));
  assert.deepEqual(log, []);
  assert.equal(barrier.nWaiting, 2);
  tasks.push(visit("c"));
  for (const task of tasks) yield* on(task);
  assert.equal(getRunningLoop().time(), 2);
  assert.deepEqual(log, ["c: 2", "a: 0", "b: 1"]);
  assert.equal(barrier.nWaiting, 0);
});

inEachFlavour("the last one goes on without a turn of the loop", function* (flavour) {
  const barrier = new Barrier(2);
  const task = visitor(flavour, barrier, [])("a");
  yield* flavour.on(sleep(1));
  assert.equal(yield* takesNoTurn(flavour.on(barrier.wait())), 1);
  yield* flavour.on(task);
});

inEachFlavour("where one makes a round nobody waits", function* ({ on }) {
  const barrier = new Barrier(1);
  for (let round = 0; round < 3; round++) assert.equal(yield* takesNoTurn(on(barrier.wait())), 0);
});

inEachFlavour("round follows round", function* ({ on, coroutine }) {
  const barrier = new Barrier(3);
  const log: string[] = [];
  const work = coroutine(function* (seconds: number) {
    for (let round = 0; round < 3; round++) {
      yield* on(sleep(seconds));
      yield* on(barrier.wait());
      log.push(`${round} at ${getRunningLoop().time()}`);
    }
  });
  yield* on(gather(...[1, 2, 3].map((seconds) => createTask(work(seconds)))));
  const round = (number: number) => Array(3).fill(`${number} at ${3 * number + 3}`);
  assert.deepEqual(log, [...round(0), ...round(1), ...round(2)]);
});

inEachFlavour("a round begins when all of the one before have left", function* (flavour) {
  const barrier = new Barrier(2);
  const log: string[] = [];
  const tasks = ["a", "b", "c", "d", "e"].map(visitor(flavour, barrier, log));
  yield* flavour.on(sleep(1));
  assert.deepEqual(log.slice(0, 2).sort(), ["a: 0", "b: 1"]);
  assert.deepEqual(log.slice(2).sort(), ["c: 0", "d: 1"]);
  assert.equal(barrier.nWaiting, 1);
  yield* flavour.on(barrier.wait());
  for (const task of tasks) yield* flavour.on(task);
});

inEachFlavour("one who is cancelled is one less who waits; the others are left alone", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(3);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const [a, b] = [visit("a"), visit("b")];
  yield* on(sleep(1));
  b.cancel();
  yield* rejects(on(b), CancelledError);
  assert.equal(barrier.nWaiting, 1);
  assert.equal(barrier.broken, false);
  const c = visit("c");
  yield* on(sleep(1));
  assert.deepEqual(log, ["b: CancelledError"]);
  const d = visit("d");
  for (const task of [a, c, d]) yield* on(task);
  assert.deepEqual(log.slice(1), ["d: 2", "a: 0", "c: 1"]);
});

inEachFlavour(
  "numbers are how many were there before: after a cancellation two may be equal",
  function* (flavour) {
    const { on } = flavour;
    const barrier = new Barrier(3);
    const log: string[] = [];
    const visit = visitor(flavour, barrier, log);
    const [a, b] = [visit("a"), visit("b")];
    yield* on(sleep(1));
    a.cancel();
    yield* rejects(on(a), CancelledError);
    for (const task of [visit("c"), visit("d"), b]) yield* on(task);
    assert.deepEqual(log.slice(1), ["d: 2", "b: 1", "c: 1"]);
  },
);

inEachFlavour(
  "one who is cancelled when the round is complete does not hold up the others",
  function* (flavour) {
    const { on } = flavour;
    const barrier = new Barrier(3);
    const log: string[] = [];
    const visit = visitor(flavour, barrier, log);
    const [a, b] = [visit("a"), visit("b")];
    yield* on(sleep(1));
    assert.equal(yield* on(barrier.wait()), 2);
    a.cancel();
    const next = visit("next");
    yield* rejects(on(a), CancelledError);
    yield* on(b);
    yield* on(sleep(1));
    assert.deepEqual(log.slice().sort(), ["a: CancelledError", "b: 1"]);
    assert.equal(String(barrier), "<Barrier [filling, waiters:1/3]>", "the next round has begun");
    next.cancel();
    yield* rejects(on(next), CancelledError);
    assert.equal(barrier.nWaiting, 0);
  },
);

inEachFlavour("who waits for the round to drain can be cancelled", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(2);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const first = visit("a");
  yield* on(sleep(1));
  yield* on(barrier.wait());
  const early = visit("early");
  yield* on(sleep(0));
  early.cancel();
  yield* rejects(on(early), CancelledError);
  yield* on(first);
  assert.equal(String(barrier), "<Barrier [filling, waiters:0/2]>");
});

inEachFlavour("giving up after some time is being cancelled", function* ({ on }) {
  const barrier = new Barrier(2);
  yield* rejects(on(waitFor(barrier.wait(), 1)), TimeoutError);
  assert.equal(barrier.nWaiting, 0);
  assert.equal(barrier.broken, false);
});

inEachFlavour("abort breaks it for those who wait and for those who come", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(3);
  const log: string[] = [];
  const tasks = ["a", "b"].map(visitor(flavour, barrier, log));
  yield* on(sleep(1));
  yield* on(barrier.abort());
  assert.equal(barrier.broken, true);
  assert.equal(barrier.nWaiting, 0);
  for (const task of tasks) yield* rejects(on(task), BrokenBarrierError, "Abort or reset of barrier");
  yield* rejects(on(barrier.wait()), BrokenBarrierError, "Barrier aborted");
  yield* on(barrier.abort());
  yield* rejects(on(barrier.wait()), BrokenBarrierError);
  assert.equal(barrier.broken, true);
});

inEachFlavour("reset mends a broken barrier", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(2);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  yield* on(barrier.abort());
  yield* on(barrier.reset());
  assert.equal(barrier.broken, false);
  for (const task of [visit("a"), visit("b")]) yield* on(task);
  assert.deepEqual(log.sort(), ["a: 0", "b: 1"]);
});

inEachFlavour("reset sends those away who wait, and then it is as new", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(3);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const [a, b] = [visit("a"), visit("b")];
  yield* on(sleep(1));
  // It comes when the two do not know of the reset yet.
  const early = visit("early");
  yield* on(barrier.reset());
  assert.equal(String(barrier), "<Barrier [resetting, waiters:0/3]>");
  assert.equal(barrier.broken, false);
  for (const task of [a, b]) yield* rejects(on(task), BrokenBarrierError, "Abort or reset of barrier");
  yield* on(sleep(1));
  assert.equal(barrier.nWaiting, 1, "who came meanwhile is the first of the next round");
  for (const task of [visit("c"), visit("d"), early]) yield* on(task);
  assert.deepEqual(log.slice(2).sort(), ["c: 1", "d: 2", "early: 0"]);
});

inEachFlavour("reset of an empty barrier does nothing", function* (flavour) {
  const barrier = new Barrier(2);
  yield* takesNoTurn(flavour.on(barrier.reset()));
  assert.equal(String(barrier), "<Barrier [filling, waiters:0/2]>");
});

inEachFlavour("an abort while a reset sends those away who waited still breaks it", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(2);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const a = visit("a");
  yield* on(sleep(1));
  yield* on(barrier.reset());
  const early = visit("early");
  yield* on(sleep(0));
  yield* on(barrier.abort());
  yield* rejects(on(a), BrokenBarrierError);
  yield* rejects(on(early), BrokenBarrierError);
  assert.equal(barrier.broken, true);
});

inEachFlavour("a reset right after an abort mends it once those who waited have left", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(3);
  const log: string[] = [];
  const visit = visitor(flavour, barrier, log);
  const tasks = [visit("a"), visit("b")];
  yield* on(sleep(1));
  yield* on(barrier.abort());
  yield* on(barrier.reset());
  for (const task of tasks) yield* rejects(on(task), BrokenBarrierError);
  assert.equal(String(barrier), "<Barrier [filling, waiters:0/3]>");
});

inEachFlavour("an abort reaches those who have not left a complete round yet", function* (flavour) {
  const { on, coroutine } = flavour;
  const barrier = new Barrier(2);
  const log: string[] = [];
  const first = visitor(flavour, barrier, log)("a");
  yield* on(sleep(1));
  const completeAndAbort = coroutine(function* () {
    log.push(`us: ${yield* on(barrier.wait())}`);
    yield* on(barrier.abort());
  });
  yield* on(completeAndAbort());
  yield* rejects(on(first), BrokenBarrierError);
  assert.deepEqual(log, ["us: 1", "a: BrokenBarrierError"]);
  assert.equal(barrier.broken, true);
});

test("a round takes a whole number of tasks, one at least", () => {
  for (const parties of [0, -3]) {
    assert.throws(() => new Barrier(parties), {
      name: "ValueError",
      message: `parties must be >= 1, not ${parties}`,
    });
  }
  for (const parties of [1.5, Number.NaN, Number.POSITIVE_INFINITY, "2", undefined]) {
    assert.throws(() => new Barrier(parties as number), {
      name: "TypeError",
      message: `parties must be an integer, not ${inspect(parties)}`,
    });
  }
});

test("a barrier belongs to the loop in which somebody first waited at it", async () => {
  const barrier = new Barrier(2);
  using first = newLoop();
  using second = newLoop();
  const waits = () => waitFor(barrier.wait(), 1);
  await assert.rejects(first.runUntilComplete(waits), TimeoutError);
  await assert.rejects(second.runUntilComplete(waits), {
    name: "RuntimeError",
    message: /is bound to a different event loop$/,
  });
  assert.equal(String(barrier), "<Barrier [filling, waiters:0/2]>");
  await assert.rejects(first.runUntilComplete(waits), TimeoutError);
});

inEachFlavour("a barrier shows its state, and how many of how many wait", function* (flavour) {
  const { on } = flavour;
  const barrier = new Barrier(2);
  assert.equal(barrier.parties, 2);
  assert.equal(String(barrier), "<Barrier [filling, waiters:0/2]>");
  const task = visitor(flavour, barrier, [])("a");
  yield* on(sleep(1));
  assert.equal(inspect(barrier), "<Barrier [filling, waiters:1/2]>");
  yield* on(barrier.wait());
  assert.equal(String(barrier), "<Barrier [draining, waiters:0/2]>");
  yield* on(task);
  yield* on(barrier.abort());
  assert.equal(String(barrier), "<Barrier [broken]>");
});
