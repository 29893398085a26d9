import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ExceptionGroup,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
  type Task,
  TaskGroup,
  ValueError,
} from "../../src/index.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { collectReports, rejects, turnsOf } from "../helpers.ts";

/** Children that log when they begin and end, and of whom we know how many run. */
function children({ on, coroutine }: Flavour) {
  const log: string[] = [];
  const count = { running: 0, most: 0 };
  const child = coroutine(function* (name: string, delay: number, error?: Error) {
    log.push(`${name} begins`);
    count.most = Math.max(count.most, ++count.running);
    try {
      yield* on(sleep(delay));
      if (error) throw error;
      return name;
    } finally {
      count.running--;
      log.push(`${name} ends`);
    }
  });
  return { log, count, child };
}

/** Run a group of so many at a time, and give what its body gives. */
function* inGroup<T>(
  { on, body }: Flavour,
  limit: number | undefined,
  steps: (group: TaskGroup) => Steps<T>,
): Steps<T> {
  return (yield* on(TaskGroup.run(body(steps), { limit }))) as T;
}

inEachFlavour("so many tasks run at once, and who came first goes first", function* (flavour) {
  const { log, count, child } = children(flavour);
  const tasks: Task<string>[] = [];
  yield* inGroup(flavour, 2, function* (group) {
    for (const [name, delay] of [
      ["a", 3],
      ["b", 1],
      ["c", 1],
      ["d", 5],
    ] as const) {
      tasks.push(group.createTask(child(name, delay)));
    }
  });
  assert.equal(count.most, 2);
  assert.deepEqual(
    tasks.map((task) => task.result()),
    ["a", "b", "c", "d"],
  );
  const order = ["a begins", "b begins", "b ends", "c begins", "c ends", "d begins", "a ends", "d ends"];
  assert.deepEqual(log, order);
  assert.equal(getRunningLoop().time(), 7);
});

inEachFlavour("a task that finds room at once begins as early as without a limit", function* (flavour) {
  const { on, coroutine } = flavour;
  const turns = [];
  for (const limit of [undefined, 1]) {
    const nothing = coroutine(function* () {});
    const one = inGroup(flavour, limit, function* (group) {
      yield* on(group.createTask(nothing()));
    });
    turns.push(yield* turnsOf(one));
  }
  assert.equal(turns[0], turns[1]);
});

inEachFlavour("a task without room is a task already, with its name", function* (flavour) {
  const { child } = children(flavour);
  yield* inGroup(flavour, 1, function* (group) {
    group.createTask(child("a", 1));
    const waiting = group.createTask(child("b", 1), { name: "waiting" });
    yield* flavour.on(sleep(0));
    assert.match(String(waiting), /pending name="waiting" coro=<Coroutine \S* /);
    assert.equal(String(group), "<TaskGroup open tasks=2 errors=0 limit=1 waiting=1>");
  });
});

inEachFlavour("a task cancelled without room never runs, and is not reported", function* (flavour) {
  const { log, child } = children(flavour);
  const reports = collectReports();
  const coroutines = [child("b", 1), child("c", 1)];
  yield* inGroup(flavour, 1, function* (group) {
    group.createTask(child("a", 2));
    const [atOnce, later] = coroutines.map((coroutine) => group.createTask(coroutine));
    group.createTask(child("d", 1));
    atOnce!.cancel();
    yield* flavour.on(sleep(1));
    later!.cancel();
    yield* flavour.on(sleep(0));
    assert.deepEqual([atOnce!.cancelled(), later!.cancelled()], [true, true]);
  });
  for (const coroutine of coroutines) assert.match(String(coroutine), / closed>$/);
  assert.deepEqual(log, ["a begins", "a ends", "d begins", "d ends"]);
  getRunningLoop().obligations.callIn();
  assert.deepEqual(reports, []);
});

inEachFlavour(
  "a task cancelled between being let in and running gives its place to the next",
  function* (flavour) {
    const { log, child } = children(flavour);
    yield* inGroup(flavour, 1, function* (group) {
      const first = group.createTask(child("a", 1));
      const second = group.createTask(child("b", 1));
      group.createTask(child("c", 1));
      // Runs when the place was given on already, and before the second does.
      first.addDoneCallback(() => second.cancel());
    });
    assert.deepEqual(log, ["a begins", "a ends", "c begins", "c ends"]);
  },
);

inEachFlavour("a task cancelled before its first step gives its place to the next", function* (flavour) {
  const { log, child } = children(flavour);
  yield* inGroup(flavour, 1, function* (group) {
    const first = group.createTask(child("a", 1));
    group.createTask(child("b", 1));
    first.cancel();
  });
  assert.deepEqual(log, ["b begins", "b ends"]);
});

inEachFlavour("when a task fails, those without room never run", function* (flavour) {
  const { log, child } = children(flavour);
  const failing = inGroup(flavour, 1, function* (group) {
    group.createTask(child("bad", 1, new TypeError("mine")));
    group.createTask(child("b", 1));
    group.createTask(child("c", 1));
  });
  const error = yield* rejects(failing, ExceptionGroup);
  assert.deepEqual(error.exceptions.map(String), ["TypeError: mine"]);
  assert.deepEqual(log, ["bad begins", "bad ends"]);
});

inEachFlavour("cancelling the group cancels those without room too", function* (flavour) {
  const { log, child } = children(flavour);
  yield* inGroup(flavour, 1, function* (group) {
    for (const name of ["a", "b", "c"]) group.createTask(child(name, 5));
    yield* flavour.on(sleep(1));
    group.cancel();
  });
  assert.deepEqual(log, ["a begins", "a ends"]);
  assert.equal(getRunningLoop().time(), 1);
});

inEachFlavour("an eager task begins at once if there is room, and overtakes nobody", function* (flavour) {
  const { log, count, child } = children(flavour);
  getRunningLoop().setTaskFactory(eagerTaskFactory);
  yield* inGroup(flavour, 2, function* (group) {
    group.createTask(child("a", 2), { eagerStart: false });
    group.createTask(child("b", 1));
    group.createTask(child("c", 1));
    log.push("made");
  });
  assert.deepEqual(log, ["b begins", "made", "a begins", "b ends", "c begins", "a ends", "c ends"]);
  assert.equal(count.most, 2);
});

inEachFlavour("a task that could not be made takes no place", function* (flavour) {
  const { log, child } = children(flavour);
  const reports = collectReports();
  yield* inGroup(flavour, 1, function* (group) {
    const options = { signal: "none" as unknown as AbortSignal };
    assert.throws(() => group.createTask(child("bad", 1), options), TypeError);
    assert.throws(() => group.createTask(Promise.resolve() as never), TypeError);
    const used = child("a", 1);
    group.createTask(used);
    assert.throws(() => group.createTask(used), { name: "RuntimeError" });
    group.createTask(() => child("b", 1));
  });
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends"]);
  getRunningLoop().obligations.callIn();
  assert.deepEqual(reports, []);
});

inEachFlavour("whatever is cancelled when, never do too many run, and no place is lost", function* (flavour) {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 100; round++) {
    const { count, child } = children(flavour);
    const limit = 1 + random(3);
    let finished = 0;
    yield* inGroup(flavour, limit, function* (group) {
      for (let i = 0; i < 12; i++) {
        const task = group.createTask(child(`${i}`, random(4)), { eagerStart: random(3) === 0 });
        if (random(3) === 0) getRunningLoop().callLater(random(6), () => task.cancel());
        if (random(4) === 0) yield* flavour.on(sleep(random(2)));
      }
      // All places are free again only if as many can run together now.
      yield* flavour.on(sleep(100));
      const last = Array.from({ length: limit }, () => group.createTask(child("last", 1)));
      yield* flavour.on(sleep(1.5));
      finished = last.filter((task) => task.done()).length;
    });
    assert.ok(count.most <= limit, `${count.most} ran at a limit of ${limit}`);
    assert.equal(finished, limit);
  }
});

test("a limit is a positive integer", () => {
  for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new TaskGroup({ limit }), ValueError);
    assert.throws(() => TaskGroup.run(() => 1, { limit }), ValueError);
  }
  for (const limit of ["1", null, true]) {
    assert.throws(() => new TaskGroup({ limit: limit as never }), TypeError);
  }
});
