import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  Event,
  type Guard,
  getRunningLoop,
  Lock,
  RuntimeError,
  sleep,
  TimeoutError,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

/** A task that takes the lock, holds it for a second, and logs that. */
function holder({ on, coroutine }: Flavour, lock: Lock, log: string[]) {
  const hold = coroutine(function* (name: string) {
    const guard = yield* on(lock.acquire());
    log.push(name);
    yield* on(sleep(1));
    guard.release();
  });
  return (name: string) => createTask(hold(name));
}

inEachFlavour("a free lock is taken without a turn of the loop", function* ({ on }) {
  const lock = new Lock();
  assert.equal(lock.locked(), false);
  yield* takesNoTurn(on(lock.acquire()));
  assert.equal(lock.locked(), true);
  lock.release();
  assert.equal(lock.locked(), false);
});

inEachFlavour("those who wait get the lock in their order, one at a time", function* (flavour) {
  const lock = new Lock();
  const log: string[] = [];
  const hold = holder(flavour, lock, log);
  const tasks = ["a", "b", "c"].map(hold);
  for (const task of tasks) yield* flavour.on(task);
  assert.deepEqual(log, ["a", "b", "c"]);
  assert.equal(getRunningLoop().time(), 3);
});

inEachFlavour("nobody overtakes those who wait", function* (flavour) {
  const lock = new Lock();
  const log: string[] = [];
  const hold = holder(flavour, lock, log);
  yield* flavour.on(lock.acquire());
  const waiting = hold("waiting");
  yield* flavour.on(sleep(0));
  lock.release();
  assert.equal(lock.locked(), false, "the one who waits takes it when it runs");
  const late = hold("late");
  yield* flavour.on(lock.acquire());
  log.push("us");
  lock.release();
  yield* flavour.on(waiting);
  yield* flavour.on(late);
  assert.deepEqual(log, ["waiting", "us", "late"]);
});

inEachFlavour("a lock that nobody holds cannot be released", function* ({ on }) {
  const lock = new Lock();
  assert.throws(() => lock.release(), { name: "RuntimeError", message: "Lock is not acquired." });
  yield* on(lock.acquire());
  lock.release();
  assert.throws(() => lock.release(), RuntimeError);
});

inEachFlavour(
  "a guard releases at the end of its block, whatever happens there",
  function* ({ on, coroutine }) {
    const lock = new Lock();
    const work = coroutine(function* (fail: boolean) {
      using _ = yield* on(lock.acquire());
      yield* on(sleep(1));
      if (fail) throw new TypeError("mine");
      return lock.locked();
    });
    assert.equal(yield* on(work(false)), true);
    assert.equal(lock.locked(), false);
    yield* rejects(on(work(true)), TypeError);
    assert.equal(lock.locked(), false);
  },
);

inEachFlavour("a guard releases once, and not what was released by hand", function* ({ on }) {
  const lock = new Lock();
  const first = yield* on(lock.acquire());
  first.release();
  first.release();
  const second = yield* on(lock.acquire());
  first.release();
  first[Symbol.dispose]();
  assert.equal(lock.locked(), true, "it is somebody else's now");
  lock.release();
  const third: Guard = yield* on(lock.acquire());
  second.release();
  assert.equal(lock.locked(), true);
  third.release();
  assert.equal(lock.locked(), false);
});

inEachFlavour("who is cancelled while waiting leaves the queue", function* (flavour) {
  const lock = new Lock();
  const log: string[] = [];
  const hold = holder(flavour, lock, log);
  const [first, second, third] = ["a", "b", "c"].map(hold) as [
    ReturnType<typeof hold>,
    ...ReturnType<typeof hold>[],
  ];
  yield* flavour.on(sleep(0.5));
  second!.cancel();
  yield* rejects(flavour.on(second!), CancelledError);
  yield* flavour.on(sleep(0.1));
  assert.deepEqual(log, ["a"], "it did not have the lock, and lets nobody in");
  yield* flavour.on(third!);
  assert.equal(first.done(), true);
  assert.deepEqual(log, ["a", "c"]);
});

inEachFlavour("who is cancelled when it is its turn passes the lock on", function* (flavour) {
  const lock = new Lock();
  const log: string[] = [];
  const hold = holder(flavour, lock, log);
  yield* flavour.on(lock.acquire());
  const [chosen, next] = [hold("chosen"), hold("next")];
  yield* flavour.on(sleep(0));
  lock.release();
  chosen.cancel();
  yield* rejects(flavour.on(chosen), CancelledError);
  yield* flavour.on(next);
  assert.deepEqual(log, ["next"]);
  assert.equal(lock.locked(), false);
});

inEachFlavour(
  "a release in the iteration in which the first one is cancelled wakes the next",
  function* (flavour) {
    const lock = new Lock();
    const log: string[] = [];
    const hold = holder(flavour, lock, log);
    yield* flavour.on(lock.acquire());
    const [doomed, next] = [hold("doomed"), hold("next")];
    yield* flavour.on(sleep(0));
    doomed.cancel();
    lock.release();
    yield* flavour.on(next);
    assert.deepEqual(log, ["next"]);
    assert.equal(doomed.cancelled(), true);
  },
);

inEachFlavour("where only those wait who are cancelled, a free lock is taken at once", function* (flavour) {
  const lock = new Lock();
  yield* flavour.on(lock.acquire());
  const doomed = holder(flavour, lock, [])("doomed");
  yield* flavour.on(sleep(0));
  doomed.cancel();
  lock.release();
  yield* takesNoTurn(flavour.on(lock.acquire()));
  yield* rejects(flavour.on(doomed), CancelledError);
  assert.equal(lock.locked(), true);
});

inEachFlavour("waiting for a lock can be given up, and the lock taken later", function* ({ on }) {
  const lock = new Lock();
  yield* on(lock.acquire());
  yield* rejects(on(waitFor(lock.acquire(), 1)), TimeoutError);
  assert.equal(String(lock), "<Lock [locked, waiters:0]>");
  lock.release();
  yield* takesNoTurn(on(lock.acquire()));
});

inEachFlavour("a lock is not tied to the task that holds it", function* ({ on, coroutine }) {
  const lock = new Lock();
  yield* on(lock.acquire());
  const release = coroutine(function* () {
    lock.release();
  });
  yield* on(createTask(release()));
  assert.equal(lock.locked(), false);
});

test("a lock belongs to the loop in which somebody first waited for it", async () => {
  const lock = new Lock();
  using first = newLoop();
  using second = newLoop();
  using third = newLoop();
  const uncontended = async () => {
    using _ = await lock.acquire();
  };
  await first.runUntilComplete(uncontended);
  const contended = async () => {
    using _ = await lock.acquire();
    await assert.rejects(Promise.resolve(waitFor(lock.acquire(), 1)), TimeoutError);
  };
  await second.runUntilComplete(contended);
  await third.runUntilComplete(uncontended);
  const contendedAgain = async () => {
    using _ = await lock.acquire();
    await lock.acquire();
  };
  await assert.rejects(third.runUntilComplete(contendedAgain), {
    name: "RuntimeError",
    message: "<Lock [locked, waiters:0]> is bound to a different event loop",
  });
});

inEachFlavour("a lock shows whether it is held, and how many wait", function* (flavour) {
  const lock = new Lock();
  assert.equal(String(lock), "<Lock [unlocked, waiters:0]>");
  yield* flavour.on(lock.acquire());
  const task = holder(flavour, lock, [])("waiting");
  yield* flavour.on(sleep(0));
  assert.equal(inspect(lock), "<Lock [locked, waiters:1]>");
  lock.release();
  yield* flavour.on(task);
});

inEachFlavour("an event lets all go on who wait, when it is set", function* ({ on, coroutine }) {
  const event = new Event();
  const log: string[] = [];
  const wait = coroutine(function* (name: string) {
    assert.equal(yield* on(event.wait()), true);
    log.push(name);
  });
  const tasks = [createTask(wait("a")), createTask(wait("b"))];
  yield* on(sleep(1));
  assert.equal(event.isSet(), false);
  assert.deepEqual(log, []);
  event.set();
  event.set();
  assert.equal(event.isSet(), true);
  for (const task of tasks) yield* on(task);
  assert.deepEqual(log, ["a", "b"]);
});

inEachFlavour("waiting for an event that is set takes no turn", function* ({ on }) {
  const event = new Event();
  event.set();
  assert.equal(yield* takesNoTurn(on(event.wait())), true);
});

inEachFlavour(
  "who was woken goes on even if the event is cleared before it runs",
  function* ({ on, coroutine }) {
    const event = new Event();
    const wait = coroutine(function* () {
      return yield* on(event.wait());
    });
    const task = createTask(wait());
    yield* on(sleep(0));
    event.set();
    event.clear();
    assert.equal(event.isSet(), false);
    assert.equal(yield* on(task), true);
    yield* rejects(on(waitFor(event.wait(), 1)), TimeoutError);
  },
);

inEachFlavour("who is cancelled no longer waits for the event", function* ({ on }) {
  const event = new Event();
  yield* rejects(on(waitFor(event.wait(), 1)), TimeoutError);
  assert.equal(String(event), "<Event [unset, waiters:0]>");
  event.set();
  assert.equal(inspect(event), "<Event [set, waiters:0]>");
});
