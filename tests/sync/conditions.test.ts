import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  Condition,
  createTask,
  Lock,
  RuntimeError,
  sleep,
  type Task,
  TimeoutError,
  timeout,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

/** Makes tasks that wait for the condition, log that they went on, and then hold the lock for `hold` seconds. */
function waiter({ on, coroutine }: Flavour, condition: Condition, log: string[], hold = 0) {
  const wait = coroutine(function* (name: string) {
    using _ = yield* on(condition.acquire());
    assert.equal(yield* on(condition.wait()), true);
    log.push(name);
    if (hold > 0) yield* on(sleep(hold));
  });
  return (name: string) => createTask(wait(name));
}

/** Take the lock, notify `n`, release. */
function* notify({ on }: Flavour, condition: Condition, n?: number) {
  using _ = yield* on(condition.acquire());
  condition.notify(n);
}

inEachFlavour("a condition is a lock, taken without a turn of the loop", function* ({ on }) {
  const condition = new Condition();
  assert.equal(condition.locked(), false);
  yield* takesNoTurn(on(condition.acquire()));
  assert.equal(condition.locked(), true);
  condition.release();
  assert.equal(condition.locked(), false);
  assert.throws(() => condition.release(), { name: "RuntimeError", message: "Lock is not acquired." });
});

inEachFlavour("who waits gives the lock away, and holds it again when it goes on", function* (flavour) {
  const { on } = flavour;
  const condition = new Condition();
  const task = waiter(flavour, condition, [], 1)("a");
  yield* on(sleep(1));
  assert.equal(condition.locked(), false);
  yield* notify(flavour, condition);
  assert.equal(condition.locked(), false, "it takes it when it runs");
  yield* on(sleep(0.5));
  assert.equal(condition.locked(), true);
  yield* on(task);
  assert.equal(condition.locked(), false);
});

inEachFlavour("notify wakes one, in the order in which they came", function* (flavour) {
  const condition = new Condition();
  const log: string[] = [];
  const tasks = ["a", "b", "c"].map(waiter(flavour, condition, log));
  yield* flavour.on(sleep(1));
  for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    yield* notify(flavour, condition);
    yield* flavour.on(sleep(1));
    assert.deepEqual(log, expected);
  }
  for (const task of tasks) yield* flavour.on(task);
});

inEachFlavour("notify wakes as many as it is told, or all there are", function* (flavour) {
  const condition = new Condition();
  const log: string[] = [];
  const tasks = ["a", "b", "c", "d", "e"].map(waiter(flavour, condition, log));
  yield* flavour.on(sleep(1));
  for (const none of [0, -1]) yield* notify(flavour, condition, none);
  yield* flavour.on(sleep(1));
  assert.deepEqual(log, []);
  yield* notify(flavour, condition, 2);
  yield* flavour.on(sleep(1));
  assert.deepEqual(log, ["a", "b"]);
  yield* notify(flavour, condition, 9);
  for (const task of tasks) yield* flavour.on(task);
  assert.deepEqual(log, ["a", "b", "c", "d", "e"]);
});

inEachFlavour("each notify wakes somebody who is not woken yet", function* (flavour) {
  const condition = new Condition();
  const log: string[] = [];
  const tasks = ["a", "b", "c"].map(waiter(flavour, condition, log));
  yield* flavour.on(sleep(1));
  const guard = yield* flavour.on(condition.acquire());
  condition.notify();
  condition.notify();
  guard.release();
  yield* flavour.on(sleep(1));
  assert.deepEqual(log, ["a", "b"]);
  yield* notify(flavour, condition);
  for (const task of tasks) yield* flavour.on(task);
});

inEachFlavour(
  "notifyAll wakes all who wait; they go on one after the other, as they get the lock",
  function* (flavour) {
    const condition = new Condition();
    const log: string[] = [];
    const wait = waiter(flavour, condition, log, 1);
    const tasks = ["a", "b"].map(wait);
    yield* flavour.on(sleep(1));
    const guard = yield* flavour.on(condition.acquire());
    condition.notifyAll();
    yield* flavour.on(sleep(1));
    assert.deepEqual(log, [], "the one who notified still holds the lock");
    guard.release();
    yield* flavour.on(sleep(0.5));
    assert.deepEqual(log, ["a"]);
    const late = wait("late");
    yield* flavour.on(sleep(1));
    assert.deepEqual(log, ["a", "b"]);
    for (const task of tasks) yield* flavour.on(task);
    yield* flavour.on(sleep(1));
    assert.equal(late.done(), false, "who comes later was not meant");
    yield* notify(flavour, condition);
    yield* flavour.on(late);
  },
);

inEachFlavour("who comes later does not overtake those who were woken", function* (flavour) {
  const { on, coroutine } = flavour;
  const condition = new Condition();
  const log: string[] = [];
  const task = waiter(flavour, condition, log)("woken");
  yield* on(sleep(1));
  const guard = yield* on(condition.acquire());
  condition.notify();
  yield* on(sleep(1));
  const take = coroutine(function* () {
    using _ = yield* on(condition.acquire());
    log.push("late");
  });
  const late = createTask(take());
  yield* on(sleep(1));
  guard.release();
  yield* on(late);
  yield* on(task);
  assert.deepEqual(log, ["woken", "late"]);
});

inEachFlavour("without the lock nobody can wait or notify", function* ({ on }) {
  const condition = new Condition();
  yield* rejects(on(condition.wait()), RuntimeError, "cannot wait on un-acquired lock");
  yield* rejects(on(condition.waitFor(() => false)), RuntimeError, "cannot wait on un-acquired lock");
  const message = "cannot notify on un-acquired lock";
  assert.throws(() => condition.notify(), { name: "RuntimeError", message });
  assert.throws(() => condition.notifyAll(), { name: "RuntimeError", message });
});

inEachFlavour("notify with nobody there is forgotten", function* (flavour) {
  const condition = new Condition();
  yield* notify(flavour, condition, 3);
  using _ = yield* flavour.on(condition.acquire());
  yield* rejects(flavour.on(waitFor(condition.wait(), 1)), TimeoutError);
});

inEachFlavour("waitFor waits until what it asks for is true, and gives it", function* (flavour) {
  const { on, coroutine } = flavour;
  const condition = new Condition();
  let item: string | null = null;
  let asked = 0;
  const take = coroutine(function* () {
    using _ = yield* on(condition.acquire());
    return yield* on(
      condition.waitFor(() => {
        asked++;
        assert.equal(condition.locked(), true);
        return item;
      }),
    );
  });
  const task = createTask(take());
  yield* on(sleep(1));
  yield* notify(flavour, condition);
  yield* on(sleep(1));
  assert.equal(task.done(), false);
  item = "item";
  yield* on(sleep(1));
  assert.equal(task.done(), false, "nobody said that something has changed");
  yield* notify(flavour, condition);
  assert.equal(yield* on(task), "item");
  assert.equal(asked, 3);
});

inEachFlavour("waitFor does not wait for what is true", function* ({ on }) {
  const condition = new Condition();
  assert.equal(yield* takesNoTurn(on(condition.waitFor(() => "yes"))), "yes", "not even for the lock");
  using _ = yield* on(condition.acquire());
  assert.equal(yield* takesNoTurn(on(condition.waitFor(() => 7))), 7);
});

inEachFlavour("what the predicate throws comes out of waitFor, with the lock held", function* (flavour) {
  const { on, coroutine } = flavour;
  const condition = new Condition();
  let broken = false;
  const predicate = () => {
    if (broken) throw new TypeError("mine");
    return false;
  };
  const wait = coroutine(function* () {
    using _ = yield* on(condition.acquire());
    yield* rejects(on(condition.waitFor(predicate)), TypeError, "mine");
    assert.equal(condition.locked(), true);
    yield* on(sleep(1));
  });
  const task = createTask(wait());
  yield* on(sleep(1));
  broken = true;
  yield* notify(flavour, condition);
  yield* on(sleep(0.5));
  assert.equal(condition.locked(), true);
  yield* on(task);
  assert.equal(String(condition), "<Condition [unlocked, waiters:0]>");
});

inEachFlavour("the guard still releases after a wait, once", function* (flavour) {
  const { on, coroutine } = flavour;
  const condition = new Condition();
  const wait = coroutine(function* () {
    const guard = yield* on(condition.acquire());
    yield* on(condition.wait());
    yield* on(condition.wait());
    assert.equal(condition.locked(), true);
    guard.release();
    assert.equal(condition.locked(), false);
    yield* on(condition.acquire());
    guard.release();
    guard[Symbol.dispose]();
    assert.equal(condition.locked(), true, "this time it is held by somebody else's guard");
    condition.release();
  });
  const task = createTask(wait());
  for (let round = 0; round < 2; round++) {
    yield* on(sleep(1));
    yield* notify(flavour, condition);
  }
  yield* on(task);
  assert.equal(condition.locked(), false);
});

inEachFlavour("a guard that is disposed of after a release by hand releases nothing", function* ({ on }) {
  const condition = new Condition();
  {
    using _ = yield* on(condition.acquire());
    condition.release();
    yield* on(condition.acquire());
  }
  assert.equal(condition.locked(), true);
  condition.release();
});

inEachFlavour("one who waits and is cancelled holds the lock when it learns of it", function* (flavour) {
  const { on, coroutine } = flavour;
  const condition = new Condition();
  const wait = coroutine(function* () {
    using _ = yield* on(condition.acquire());
    yield* rejects(on(condition.wait()), CancelledError, "enough");
    assert.equal(condition.locked(), true);
    yield* on(sleep(1));
  });
  const task = createTask(wait());
  yield* on(sleep(1));
  task.cancel("enough");
  yield* on(sleep(0.5));
  assert.equal(condition.locked(), true);
  yield* on(task);
  assert.equal(String(condition), "<Condition [unlocked, waiters:0]>");
});

inEachFlavour(
  "however often it is cancelled, it waits for the lock, and the last cancellation counts",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const condition = new Condition();
    let seen: CancelledError | null = null;
    const wait = coroutine(function* () {
      using _ = yield* on(condition.acquire());
      try {
        yield* on(condition.wait());
      } catch (error) {
        assert.equal(condition.locked(), true);
        seen = error as CancelledError;
        throw error;
      }
    });
    const task = createTask(wait());
    yield* on(sleep(1));
    const guard = yield* on(condition.acquire());
    for (const message of ["first", "second", "third"]) {
      task.cancel(message);
      yield* on(sleep(1));
      assert.equal(task.done(), false, "it cannot leave before it holds the lock");
    }
    task.cancel("fourth");
    guard.release();
    yield* rejects(on(task), CancelledError, "fourth");
    assert.equal((seen as CancelledError | null)?.message, "fourth");
    assert.equal(condition.locked(), false);
  },
);

inEachFlavour(
  "one who was notified and is cancelled while it waits for the lock is cancelled",
  function* (flavour) {
    const { on } = flavour;
    const condition = new Condition();
    const log: string[] = [];
    const task = waiter(flavour, condition, log)("a");
    yield* on(sleep(1));
    const guard = yield* on(condition.acquire());
    condition.notify();
    yield* on(sleep(1));
    task.cancel();
    yield* on(sleep(1));
    assert.equal(task.done(), false);
    guard.release();
    yield* rejects(on(task), CancelledError);
    assert.deepEqual(log, []);
    assert.equal(condition.locked(), false);
  },
);

/** The moments between the notification and the lock, in each of which a cancellation must not lose the former. */
const moments: Record<string, (flavour: Flavour, chosen: Task<void>, condition: Condition) => Generator> = {
  *"before it is notified, in the same iteration"(flavour, chosen, condition) {
    using _ = yield* flavour.on(condition.acquire());
    chosen.cancel();
    condition.notify();
  },
  *"after it was notified, in the same iteration"(flavour, chosen, condition) {
    using _ = yield* flavour.on(condition.acquire());
    condition.notify();
    chosen.cancel();
  },
  *"while it waits for the lock"(flavour, chosen, condition) {
    using _ = yield* flavour.on(condition.acquire());
    condition.notify();
    yield* flavour.on(sleep(1));
    chosen.cancel();
  },
  *"when it is given the lock"(flavour, chosen, condition) {
    const guard = yield* flavour.on(condition.acquire());
    condition.notify();
    yield* flavour.on(sleep(1));
    guard.release();
    chosen.cancel();
  },
};

for (const [moment, happens] of Object.entries(moments)) {
  inEachFlavour(`a notification goes to the next if the one is cancelled ${moment}`, function* (flavour) {
    const { on } = flavour;
    const condition = new Condition();
    const log: string[] = [];
    const wait = waiter(flavour, condition, log);
    const [chosen, next, other] = [wait("chosen"), wait("next"), wait("other")];
    yield* on(sleep(1));
    yield* happens(flavour, chosen, condition) as ReturnType<typeof notify>;
    yield* rejects(on(chosen), CancelledError);
    yield* on(sleep(1));
    assert.equal(log[0], "next");
    yield* notify(flavour, condition, 2);
    yield* on(next);
    yield* on(other);
  });
}

inEachFlavour("who gives up while the lock is free has left at once", function* ({ on, body }) {
  const condition = new Condition();
  using _ = yield* on(condition.acquire());
  const giveUp = timeout(
    1,
    body(function* () {
      yield* on(condition.wait());
    }),
  );
  yield* rejects(on(giveUp), TimeoutError);
  assert.equal(String(condition), "<Condition [locked, waiters:0]>");
});

inEachFlavour("conditions can share a lock; each wakes its own", function* (flavour) {
  const { on } = flavour;
  const lock = new Lock();
  const [full, empty] = [new Condition(lock), new Condition(lock)];
  const log: string[] = [];
  const first = waiter(flavour, full, log, 1)("full");
  const second = waiter(flavour, empty, log, 1)("empty");
  yield* on(sleep(1));
  const guard = yield* on(lock.acquire());
  assert.deepEqual([full.locked(), empty.locked()], [true, true]);
  empty.notifyAll();
  guard.release();
  yield* on(second);
  assert.deepEqual(log, ["empty"]);
  yield* notify(flavour, full);
  yield* on(sleep(0.5));
  assert.equal(lock.locked(), true);
  yield* on(first);
  assert.deepEqual(log, ["empty", "full"]);
});

test("only a Lock can be a condition's lock", () => {
  assert.throws(() => new Condition({ acquire() {} } as never), {
    name: "TypeError",
    message: /^a Lock was expected, not \{ acquire/,
  });
  assert.throws(() => new Condition(null as never), TypeError);
});

test("a condition belongs to the loop in which somebody first waited for it", async () => {
  const condition = new Condition();
  using first = newLoop();
  using second = newLoop();
  const uncontended = async () => {
    using _ = await condition.acquire();
    condition.notifyAll();
  };
  await second.runUntilComplete(uncontended);
  const waits = async () => {
    using _ = await condition.acquire();
    await waitFor(condition.wait(), 1);
  };
  await assert.rejects(first.runUntilComplete(waits), TimeoutError);
  await second.runUntilComplete(uncontended);
  await assert.rejects(second.runUntilComplete(waits), {
    name: "RuntimeError",
    message: "<Condition [locked, waiters:0]> is bound to a different event loop",
  });
  assert.equal(condition.locked(), false, "the lock was not lost");
});

inEachFlavour("a condition shows whether its lock is held, and how many wait", function* (flavour) {
  const condition = new Condition();
  assert.equal(String(condition), "<Condition [unlocked, waiters:0]>");
  const task = waiter(flavour, condition, [])("a");
  yield* flavour.on(sleep(1));
  assert.equal(String(condition), "<Condition [unlocked, waiters:1]>");
  yield* flavour.on(condition.acquire());
  assert.equal(inspect(condition), "<Condition [locked, waiters:1]>");
  condition.notify();
  condition.release();
  yield* flavour.on(task);
});
