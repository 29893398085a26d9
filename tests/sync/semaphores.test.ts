import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  BoundedSemaphore,
  CancelledError,
  createTask,
  getRunningLoop,
  Semaphore,
  sleep,
  TimeoutError,
  ValueError,
  waitFor,
} from "../../src/index.ts";
import { type Flavour, flavours, inEachFlavour, type Steps } from "../flavours.ts";
import { newLoop, rejects, takesNoTurn } from "../helpers.ts";

const kinds = [Semaphore, BoundedSemaphore];

/** A test for each kind of semaphore, in each flavour. */
function ofEachKind(name: string, body: (Kind: typeof Semaphore, flavour: Flavour) => Steps<unknown>): void {
  for (const Kind of kinds) inEachFlavour(`${Kind.name}: ${name}`, (flavour) => body(Kind, flavour));
}

/** Makes tasks that come in, log it, stay for a second, and leave. */
function visitor({ on, coroutine }: Flavour, semaphore: Semaphore, log: string[]) {
  const visit = coroutine(function* (name: string) {
    using _ = yield* on(semaphore.acquire());
    log.push(name);
    yield* on(sleep(1));
  });
  return (name: string) => createTask(visit(name));
}

ofEachKind("as many come in as there is room for, without a turn of the loop", function* (Kind, { on }) {
  const semaphore = new Kind(2);
  assert.equal(semaphore.locked(), false);
  yield* takesNoTurn(on(semaphore.acquire()));
  assert.equal(semaphore.locked(), false);
  yield* takesNoTurn(on(semaphore.acquire()));
  assert.equal(semaphore.locked(), true);
  yield* rejects(on(waitFor(semaphore.acquire(), 1)), TimeoutError);
  semaphore.release();
  assert.equal(semaphore.locked(), false);
  yield* takesNoTurn(on(semaphore.acquire()));
});

ofEachKind("there is room for one, unless it is told otherwise", function* (Kind, { on }) {
  const semaphore = new Kind();
  yield* on(semaphore.acquire());
  assert.equal(semaphore.locked(), true);
});

ofEachKind("those who wait come in in their order, so many at a time", function* (Kind, flavour) {
  const semaphore = new Kind(2);
  const log: string[] = [];
  const tasks = ["a", "b", "c", "d", "e"].map(visitor(flavour, semaphore, log));
  yield* flavour.on(sleep(0.5));
  assert.deepEqual(log, ["a", "b"]);
  yield* flavour.on(sleep(1));
  assert.deepEqual(log, ["a", "b", "c", "d"]);
  for (const task of tasks) yield* flavour.on(task);
  assert.deepEqual(log, ["a", "b", "c", "d", "e"]);
  assert.equal(getRunningLoop().time(), 3);
});

ofEachKind(
  "nobody overtakes one who waits, or who was let in and did not run yet",
  function* (Kind, flavour) {
    const semaphore = new Kind(1);
    const log: string[] = [];
    const visit = visitor(flavour, semaphore, log);
    yield* flavour.on(semaphore.acquire());
    const tasks = [visit("first"), visit("second")];
    yield* flavour.on(sleep(0));
    semaphore.release();
    assert.equal(semaphore.locked(), true, "it is the first one's already");
    yield* flavour.on(semaphore.acquire());
    log.push("us");
    for (const task of tasks) yield* flavour.on(task);
    assert.deepEqual(log, ["first", "second", "us"]);
  },
);

inEachFlavour(
  "while others wait it counts as locked, though there is room for all; they come in at the same time",
  function* (flavour) {
    const semaphore = new Semaphore(0);
    const log: string[] = [];
    const visit = visitor(flavour, semaphore, log);
    const first = visit("first");
    yield* flavour.on(sleep(0));
    // They run before the first one does.
    const late = [visit("late"), visit("too")];
    for (let i = 0; i < 4; i++) semaphore.release();
    assert.equal(semaphore.locked(), true);
    yield* flavour.on(sleep(0));
    assert.deepEqual(log, ["first"]);
    assert.equal(semaphore.locked(), true);
    yield* flavour.on(sleep(0));
    assert.deepEqual(log, ["first", "late", "too"]);
    assert.equal(semaphore.locked(), false);
    for (const task of [first, ...late]) yield* flavour.on(task);
  },
);

ofEachKind("a guard releases at the end of its block, whatever happens there", function* (Kind, flavour) {
  const { on, coroutine } = flavour;
  const semaphore = new Kind(1);
  const work = coroutine(function* (fail: boolean) {
    using _ = yield* on(semaphore.acquire());
    yield* on(sleep(1));
    if (fail) throw new TypeError("mine");
    return semaphore.locked();
  });
  assert.equal(yield* on(work(false)), true);
  assert.equal(semaphore.locked(), false);
  yield* rejects(on(work(true)), TypeError);
  assert.equal(semaphore.locked(), false);
  const task = createTask(work(false));
  yield* on(sleep(0.5));
  task.cancel();
  yield* rejects(on(task), CancelledError);
  assert.equal(semaphore.locked(), false);
});

inEachFlavour("a guard releases once, its own", function* ({ on }) {
  const semaphore = new Semaphore(2);
  const [first, second] = [yield* on(semaphore.acquire()), yield* on(semaphore.acquire())];
  first.release();
  first.release();
  first[Symbol.dispose]();
  assert.equal(String(semaphore), "<Semaphore [unlocked, value:1, waiters:0]>");
  second.release();
  assert.equal(String(semaphore), "<Semaphore [unlocked, value:2, waiters:0]>");
});

inEachFlavour(
  "who has a guard and releases by hand releases twice: a semaphore does not know who is in",
  function* ({ on }) {
    const semaphore = new Semaphore(1);
    const bounded = new BoundedSemaphore(1);
    {
      using _ = yield* on(semaphore.acquire());
      semaphore.release();
    }
    assert.equal(String(semaphore), "<Semaphore [unlocked, value:2, waiters:0]>");
    const guard = yield* on(bounded.acquire());
    bounded.release();
    assert.throws(() => guard.release(), ValueError);
    guard.release();
    assert.equal(String(bounded), "<BoundedSemaphore [unlocked, value:1, waiters:0]>");
  },
);

inEachFlavour("anybody may release, and raise the counter above where it began", function* (flavour) {
  const semaphore = new Semaphore(0);
  const log: string[] = [];
  const tasks = ["a", "b", "c"].map(visitor(flavour, semaphore, log));
  yield* flavour.on(sleep(1));
  assert.deepEqual(log, []);
  for (let i = 0; i < 3; i++) semaphore.release();
  yield* flavour.on(sleep(0.5));
  assert.deepEqual(log, ["a", "b", "c"]);
  for (const task of tasks) yield* flavour.on(task);
  assert.equal(String(semaphore), "<Semaphore [unlocked, value:3, waiters:0]>");
});

inEachFlavour("a bounded semaphore cannot be released more often than acquired", function* (flavour) {
  const message = "BoundedSemaphore released too many times";
  const semaphore = new BoundedSemaphore(2);
  assert.throws(() => semaphore.release(), { name: "ValueError", message });
  yield* flavour.on(semaphore.acquire());
  semaphore.release();
  assert.throws(() => semaphore.release(), { name: "ValueError", message });
  assert.equal(String(semaphore), "<BoundedSemaphore [unlocked, value:2, waiters:0]>");
  assert.throws(() => new BoundedSemaphore(0).release(), ValueError);
});

ofEachKind("who is cancelled while waiting leaves the queue", function* (Kind, flavour) {
  const semaphore = new Kind(1);
  const log: string[] = [];
  const visit = visitor(flavour, semaphore, log);
  const [first, second, third] = [visit("a"), visit("b"), visit("c")];
  yield* flavour.on(sleep(0.5));
  second.cancel();
  yield* rejects(flavour.on(second), CancelledError);
  yield* flavour.on(first);
  yield* flavour.on(third);
  assert.deepEqual(log, ["a", "c"]);
  assert.match(String(semaphore), /unlocked, value:1, waiters:0/);
});

ofEachKind("who is cancelled when it was let in lets the next in", function* (Kind, flavour) {
  const semaphore = new Kind(1);
  const log: string[] = [];
  const visit = visitor(flavour, semaphore, log);
  yield* flavour.on(semaphore.acquire());
  const [chosen, next] = [visit("chosen"), visit("next")];
  yield* flavour.on(sleep(0));
  semaphore.release();
  chosen.cancel();
  yield* rejects(flavour.on(chosen), CancelledError);
  yield* flavour.on(next);
  assert.deepEqual(log, ["next"]);
  assert.match(String(semaphore), /unlocked, value:1, waiters:0/);
});

ofEachKind(
  "who is cancelled when it was let in, and nobody waits, leaves the room free",
  function* (Kind, flavour) {
    const semaphore = new Kind(1);
    yield* flavour.on(semaphore.acquire());
    const chosen = visitor(flavour, semaphore, [])("chosen");
    yield* flavour.on(sleep(0));
    semaphore.release();
    chosen.cancel();
    yield* rejects(flavour.on(chosen), CancelledError);
    assert.equal(semaphore.locked(), false);
    yield* takesNoTurn(flavour.on(semaphore.acquire()));
  },
);

ofEachKind(
  "a release in the iteration in which the first one is cancelled lets the next in",
  function* (Kind, flavour) {
    const semaphore = new Kind(1);
    const log: string[] = [];
    const visit = visitor(flavour, semaphore, log);
    yield* flavour.on(semaphore.acquire());
    const [doomed, next] = [visit("doomed"), visit("next")];
    yield* flavour.on(sleep(0));
    doomed.cancel();
    semaphore.release();
    yield* flavour.on(next);
    assert.deepEqual(log, ["next"]);
    assert.equal(doomed.cancelled(), true);
  },
);

inEachFlavour(
  "when all but one of those who were let in are cancelled, the others come in after all",
  function* (flavour) {
    const semaphore = new Semaphore(0);
    const log: string[] = [];
    const visit = visitor(flavour, semaphore, log);
    const doomed = [visit("a"), visit("b")];
    const waiting = [visit("c"), visit("d"), visit("e")];
    yield* flavour.on(sleep(0));
    for (let i = 0; i < 3; i++) semaphore.release();
    for (const task of doomed) task.cancel();
    yield* flavour.on(sleep(0.5));
    assert.deepEqual(log, ["c", "d", "e"]);
    for (const task of waiting) yield* flavour.on(task);
  },
);

inEachFlavour(
  "who came while there was room, behind one who is then cancelled, comes in",
  function* (flavour) {
    const { on } = flavour;
    const semaphore = new Semaphore(0);
    const log: string[] = [];
    const visit = visitor(flavour, semaphore, log);
    const first = visit("first");
    yield* on(sleep(0));
    const second = visit("second");
    semaphore.release();
    semaphore.release();
    first.cancel();
    yield* rejects(on(first), CancelledError);
    yield* on(second);
    assert.deepEqual(log, ["second"]);
    assert.equal(String(semaphore), "<Semaphore [unlocked, value:2, waiters:0]>");
  },
);

inEachFlavour("those who are let in at once come in at once", function* (flavour) {
  const semaphore = new Semaphore(0);
  const log: string[] = [];
  const tasks = ["a", "b", "c"].map(visitor(flavour, semaphore, log));
  yield* flavour.on(sleep(1));
  tasks[1]!.cancel();
  semaphore.release();
  semaphore.release();
  yield* flavour.on(sleep(0));
  assert.deepEqual(log, ["a", "c"]);
  for (const task of [tasks[0]!, tasks[2]!]) yield* flavour.on(task);
});

ofEachKind("where only those wait who are cancelled, there is room at once", function* (Kind, flavour) {
  const semaphore = new Kind(1);
  yield* flavour.on(semaphore.acquire());
  const doomed = visitor(flavour, semaphore, [])("doomed");
  yield* flavour.on(sleep(0));
  doomed.cancel();
  semaphore.release();
  assert.equal(semaphore.locked(), false);
  yield* takesNoTurn(flavour.on(semaphore.acquire()));
  yield* rejects(flavour.on(doomed), CancelledError);
  assert.equal(semaphore.locked(), true);
});

test("how many come in must be an integer, and not negative", () => {
  for (const Kind of kinds) {
    assert.throws(() => new Kind(-1), {
      name: "ValueError",
      message: "Semaphore initial value must be >= 0, not -1",
    });
    for (const value of [1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null]) {
      assert.throws(() => new Kind(value as number), {
        name: "TypeError",
        message: `value must be an integer, not ${inspect(value)}`,
      });
    }
  }
});

for (const flavour of flavours) {
  test(`a semaphore belongs to the loop in which somebody first waited for it (${flavour.name})`, async () => {
    const semaphore = new Semaphore(1);
    using first = newLoop();
    using second = newLoop();
    const uncontended = flavour.coroutine(function* () {
      using _ = yield* flavour.on(semaphore.acquire());
    });
    const contended = flavour.coroutine(function* () {
      using _ = yield* flavour.on(semaphore.acquire());
      yield* flavour.on(waitFor(semaphore.acquire(), 1));
    });
    await first.runUntilComplete(uncontended());
    await assert.rejects(second.runUntilComplete(contended()), TimeoutError);
    await first.runUntilComplete(uncontended());
    await assert.rejects(first.runUntilComplete(contended()), {
      name: "RuntimeError",
      message: "<Semaphore [locked, waiters:0]> is bound to a different event loop",
    });
    assert.equal(semaphore.locked(), false);
  });
}

inEachFlavour("a semaphore shows what room there is, and how many wait", function* (flavour) {
  const semaphore = new BoundedSemaphore(2);
  assert.equal(String(semaphore), "<BoundedSemaphore [unlocked, value:2, waiters:0]>");
  const tasks = ["a", "b", "c"].map(visitor(flavour, semaphore, []));
  yield* flavour.on(sleep(0.5));
  assert.equal(inspect(semaphore), "<BoundedSemaphore [locked, waiters:1]>");
  for (const task of tasks) yield* flavour.on(task);
});
