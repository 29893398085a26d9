import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects, takesNoTurn } from "../helpers.ts";

inEachFlavour("results come in the order of the arguments, whatever they are", function* ({ on, coroutine }) {
  const after = coroutine(function* (delay: number, value: string) {
    yield* on(sleep(delay));
    return value;
  });
  const future = new Future<string>();
  getRunningLoop().callLater(2, () => future.setResult("future"));
  const results = yield* on(
    gather(
      after(3, "coroutine"),
      createTask(after(1, "task")),
      future,
      Promise.resolve("promise"),
      () => after(1, "function"),
      (function* () {
        return yield* sleep(2, "generator");
      })(),
    ),
  );
  assert.deepEqual(results, ["coroutine", "task", "future", "promise", "function", "generator"]);
  assert.equal(getRunningLoop().time(), 3, "all ran at the same time");
});

inEachFlavour("nothing to gather is done at once", function* ({ on }) {
  const nothing = gather();
  assert.equal(nothing.done(), true);
  assert.deepEqual(yield* on(nothing), []);
});

inEachFlavour("members that are all done take no turn", function* ({ on }) {
  const futures = [1, 2].map((n) => {
    const future = new Future<number>();
    future.setResult(n);
    return future;
  });
  assert.deepEqual(yield* takesNoTurn(on(gather(...futures))), [1, 2]);
});

inEachFlavour("an argument that is given twice runs once", function* ({ on, coroutine }) {
  let runs = 0;
  const once = coroutine(function* () {
    return ++runs;
  })();
  const other = coroutine(function* () {
    return "other";
  })();
  assert.deepEqual(yield* on(gather(once, other, once)), [1, "other", 1]);
});

inEachFlavour("a function that is given twice is called twice", function* ({ on, body }) {
  let runs = 0;
  const count = body(function* () {
    return ++runs;
  });
  assert.deepEqual(yield* on(gather(count, count)), [1, 2]);
});

inEachFlavour("the first error is thrown on at once, the others keep running", function* ({ on, coroutine }) {
  const log: string[] = [];
  const fail = coroutine(function* () {
    yield* on(sleep(1));
    throw new TypeError("first");
  });
  const survive = coroutine(function* () {
    yield* on(sleep(3));
    log.push("survived");
  });
  const failLater = coroutine(function* () {
    yield* on(sleep(2));
    throw new TypeError("second");
  });
  const reports = collectReports();
  yield* rejects(on(gather(survive(), fail(), failLater())), TypeError, "first");
  assert.equal(getRunningLoop().time(), 1);
  yield* on(sleep(5));
  assert.deepEqual(log, ["survived"]);
  assert.deepEqual(reports, []);
});

inEachFlavour("with returnExceptions errors are items, cancellations too", function* ({ on, coroutine }) {
  const error = new TypeError("mine");
  const fail = coroutine(function* () {
    yield* on(sleep(1));
    throw error;
  });
  const cancelled = new Future();
  cancelled.cancel("enough");
  const results = yield* on(gather(fail(), sleep(2, "good"), cancelled, { returnExceptions: true }));
  assert.deepEqual(results.slice(0, 2), [error, "good"]);
  assert.ok(results[2] instanceof CancelledError);
  assert.equal(results[2].message, "enough");
});

inEachFlavour("returnExceptions may be given as false", function* ({ on }) {
  assert.deepEqual(yield* on(gather(sleep(1, "a"), { returnExceptions: false })), ["a"]);
  assert.deepEqual(yield* on(gather({ returnExceptions: true })), []);
});

inEachFlavour(
  "a member that is cancelled by itself counts as one that threw CancelledError",
  function* ({ on }) {
    const member = createTask(() => sleep(10));
    const other = createTask(() => sleep(10, "goes on"));
    const all = gather(member, other);
    yield* on(sleep(1));
    member.cancel("alone");
    yield* rejects(on(all), CancelledError, "alone");
    assert.equal(all.cancelled(), false, "it has failed, it was not cancelled");
    assert.equal(currentTask()?.cancelling(), 0);
    assert.equal(yield* on(other), "goes on");
  },
);

inEachFlavour(
  "cancelling the gathering cancels its members, and waits until they have ended",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const log: string[] = [];
    const member = coroutine(function* (name: string, cleanUp: number) {
      try {
        yield* on(sleep(10));
      } finally {
        yield* on(sleep(cleanUp));
        log.push(`${name} cleaned up`);
      }
    });
    const done = new Future<void>();
    done.setResult(undefined);
    const all = gather(member("a", 1), done, member("b", 2));
    yield* on(sleep(1));
    assert.equal(all.cancel("enough"), true);
    assert.equal(all.done(), false);
    yield* rejects(on(all), CancelledError, "enough");
    assert.deepEqual(log, ["a cleaned up"], "the first error ends it, as ever");
    yield* on(sleep(1));
    assert.deepEqual(log, ["a cleaned up", "b cleaned up"]);
    assert.equal(all.cancel(), false);
  },
);

inEachFlavour("cancelling who awaits the gathering cancels its members", function* ({ on, coroutine }) {
  const members = [createTask(() => sleep(10)), createTask(() => sleep(10))];
  const task = createTask(
    coroutine(function* () {
      yield* on(gather(...members));
    })(),
  );
  yield* on(sleep(1));
  task.cancel("enough");
  yield* rejects(on(task), CancelledError, "enough");
  yield* on(sleep(0));
  for (const member of members) assert.equal(member.cancelled(), true);
});

inEachFlavour("cancelling wins over returnExceptions", function* ({ on, coroutine }) {
  const stubborn = coroutine(function* () {
    try {
      yield* on(sleep(10));
    } catch {}
    return "refused";
  });
  const all = gather(stubborn(), sleep(10), { returnExceptions: true });
  yield* on(sleep(1));
  all.cancel("enough");
  yield* rejects(on(all), CancelledError, "enough");
});

inEachFlavour("cancelling has no effect when all members are done", function* ({ on }) {
  const member = new Future<string>();
  const all = gather(member);
  member.setResult("result");
  assert.equal(all.cancel(), false, "nobody was there to cancel");
  assert.deepEqual(yield* on(all), ["result"]);
});

inEachFlavour("an error that nobody retrieves from the gathering is reported, once", function* ({ on }) {
  const reports = collectReports();
  const fail = () => {
    throw new Error("mine");
  };
  gather(fail, fail);
  yield* on(sleep(1));
  getRunningLoop().obligations.callIn();
  assert.deepEqual(
    reports.map(({ message }) => message),
    ["GatheringFuture exception was never retrieved"],
  );
});

inEachFlavour("a member that outlives gatherings that failed remembers them as one", function* ({ on }) {
  const reports = collectReports();
  const longLived = new Future();
  for (let i = 0; i < 3; i++) {
    const failing = new Future();
    getRunningLoop().callSoon(() => failing.setException(new TypeError("mine")));
    yield* rejects(on(gather(longLived, failing, longLived)), TypeError, "mine");
  }
  assert.equal(String(longLived), "<Future pending waiters=1>");
  longLived.setException(new Error("interests nobody"));
  yield* on(sleep(0));
  getRunningLoop().obligations.callIn();
  assert.deepEqual(reports, []);
});

test("members of different loops are refused", () => {
  using loop = newLoop();
  using other = newLoop();
  assert.throws(() => gather(loop.createFuture(), other.createFuture()), ValueError);
  assert.equal(gather(loop.createFuture()).getLoop(), loop);
});

test("without a loop that runs, coroutines cannot be gathered", () => {
  assert.throws(() => gather(), { name: "RuntimeError", message: "no running event loop" });
  assert.throws(() => gather(() => 1), { name: "RuntimeError" });
});

inEachFlavour("what nobody can wait for is refused", function* ({ on }) {
  assert.throws(() => gather(5 as never), TypeError);
  yield* on(sleep(0));
});
