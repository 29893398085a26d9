import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  Context,
  ContextVar,
  createTask,
  Future,
  getRunningLoop,
  InvalidStateError,
  isfuture,
  RuntimeError,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, iterate, newLoop, rejects, takesNoTurn } from "../helpers.ts";

test("a new future is neither done nor cancelled, and has neither result nor error", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  assert.equal(future.done(), false);
  assert.equal(future.cancelled(), false);
  const notYet = { name: "InvalidStateError", message: "Result is not set." };
  assert.throws(() => future.result(), notYet);
  assert.throws(() => future.exception(), notYet);
});

test("a future needs a loop", () => {
  assert.throws(() => new Future(), { name: "RuntimeError", message: "There is no current event loop" });
  using loop = newLoop();
  assert.equal(new Future({ loop }).getLoop(), loop);
});

test("new Future belongs to the running loop", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(() => assert.equal(new Future().getLoop(), loop));
});

test("a result completes the future, once", () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  future.setResult(1);
  assert.equal(future.done(), true);
  assert.equal(future.cancelled(), false);
  assert.equal(future.result(), 1);
  assert.equal(future.exception(), null);
  assert.throws(() => future.setResult(2), InvalidStateError);
  assert.throws(() => future.setException(new Error()), InvalidStateError);
  assert.equal(future.cancel(), false);
  assert.equal(future.result(), 1);
});

test("undefined is a result", () => {
  using loop = newLoop();
  const future = loop.createFuture<void>();
  future.setResult(undefined);
  assert.equal(future.result(), undefined);
});

test("an error completes the future, once", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  const error = new Error("mine");
  future.setException(error);
  assert.equal(future.done(), true);
  assert.equal(future.cancelled(), false);
  assert.equal(future.exception(), error);
  assert.throws(
    () => future.result(),
    (thrown) => thrown === error,
  );
  assert.throws(() => future.setResult(2), InvalidStateError);
  assert.throws(() => future.setException(new Error()), InvalidStateError);
  assert.equal(future.cancel(), false);
});

test("an error class is made into an error", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  future.setException(RuntimeError);
  assert.ok(future.exception() instanceof RuntimeError);
});

test("anything can be thrown in JavaScript, so anything can be the error", () => {
  using loop = newLoop();
  for (const thrown of [undefined, null, 0, "text", () => {}]) {
    const future = loop.createFuture();
    future.setException(thrown);
    assert.throws(
      () => future.result(),
      (error) => error === thrown,
    );
  }
});

test("cancel acts at once, and returns false when done", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  assert.equal(future.cancel("enough"), true);
  assert.equal(future.done(), true);
  assert.equal(future.cancelled(), true);
  assert.throws(() => future.result(), { name: "CancelledError", message: "enough" });
  assert.throws(() => future.exception(), { name: "CancelledError", message: "enough" });
  assert.equal(future.cancel(), false);
  assert.throws(() => future.setResult(1), InvalidStateError);
});

test("a CancelledError as the error does not make the future cancelled", () => {
  using loop = newLoop();
  const future = loop.createFuture();
  future.setException(new CancelledError("stored"));
  assert.equal(future.cancelled(), false);
  assert.ok(future.exception() instanceof CancelledError);
});

inEachFlavour("awaiting gives the result, or throws the error", function* ({ on }) {
  const loop = getRunningLoop();
  const good = loop.createFuture<number>();
  const bad = loop.createFuture<number>();
  const error = new Error("mine");
  loop.callLater(1, () => good.setResult(1));
  loop.callLater(2, () => bad.setException(error));
  assert.equal(yield* on(good), 1);
  assert.equal(loop.time(), 1);
  assert.equal(yield* rejects(on(bad), Error), error);
});

inEachFlavour("a cancelled future throws its message at those who wait", function* ({ on }) {
  const loop = getRunningLoop();
  const future = loop.createFuture();
  loop.callSoon(() => future.cancel("enough"));
  yield* rejects(on(future), CancelledError, "enough");
  yield* rejects(on(future), CancelledError, "enough");
});

inEachFlavour("awaiting a future that is done takes no turn of the loop", function* ({ on }) {
  const loop = getRunningLoop();
  const future = loop.createFuture<number>();
  future.setResult(1);
  assert.equal(yield* takesNoTurn(on(future)), 1);
  const failed = loop.createFuture<number>();
  failed.setException(new TypeError("mine"));
  yield* takesNoTurn(rejects(on(failed), TypeError, "mine"));
  const cancelled = loop.createFuture<number>();
  cancelled.cancel();
  yield* takesNoTurn(rejects(on(cancelled), CancelledError));
});

inEachFlavour(
  "those who wait go on an iteration after the future is done, in their order",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const loop = getRunningLoop();
    const future = loop.createFuture<string>();
    const log: string[] = [];
    const wait = coroutine(function* (name: string) {
      log.push(`${name} got ${yield* on(future)}`);
    });
    createTask(wait("a"));
    createTask(wait("b"));
    yield* on(sleep(0));
    future.addDoneCallback(() => log.push("callback"));
    createTask(wait("c"));
    yield* on(sleep(0));
    future.setResult("it");
    assert.deepEqual(log, []);
    yield* on(sleep(0));
    assert.deepEqual(log, ["a got it", "b got it", "callback", "c got it"]);
  },
);

inEachFlavour("done callbacks get the future, in their order, an iteration later", function* ({ on }) {
  const future = new Future<number>();
  const log: unknown[] = [];
  future.addDoneCallback((done) => log.push(["first", done === future]));
  future.addDoneCallback((done) => log.push(["second", done.result()]));
  future.setResult(5);
  assert.deepEqual(log, [], "never inline");
  yield* on(sleep(0));
  assert.deepEqual(log, [
    ["first", true],
    ["second", 5],
  ]);
});

inEachFlavour(
  "a callback added to a future that is done is called in the next iteration",
  function* ({ on }) {
    const future = new Future<number>();
    future.setResult(5);
    const log: unknown[] = [];
    future.addDoneCallback((done) => log.push(done.result()));
    assert.deepEqual(log, []);
    yield* on(sleep(0));
    assert.deepEqual(log, [5]);
  },
);

inEachFlavour("a callback that was added twice is called twice, and removed at once", function* ({ on }) {
  const log: string[] = [];
  const callback = () => log.push("called");
  const twice = new Future();
  twice.addDoneCallback(callback);
  twice.addDoneCallback(callback);
  twice.cancel();
  yield* on(sleep(0));
  assert.deepEqual(log, ["called", "called"]);

  const removed = new Future();
  removed.addDoneCallback(callback);
  removed.addDoneCallback(() => log.push("other"));
  removed.addDoneCallback(callback);
  assert.equal(removed.removeDoneCallback(callback), 2);
  assert.equal(removed.removeDoneCallback(callback), 0);
  removed.cancel();
  yield* on(sleep(0));
  assert.deepEqual(log, ["called", "called", "other"]);
});

inEachFlavour("a callback that is queued already cannot be removed", function* ({ on }) {
  const log: string[] = [];
  const callback = () => log.push("called");
  const future = new Future();
  future.addDoneCallback(callback);
  future.cancel();
  assert.equal(future.removeDoneCallback(callback), 0);
  yield* on(sleep(0));
  assert.deepEqual(log, ["called"]);
});

inEachFlavour("removing callbacks does not touch those who wait", function* ({ on, coroutine }) {
  const future = new Future<number>();
  const callback = () => {};
  const task = createTask(
    coroutine(function* () {
      return yield* on(future);
    })(),
  );
  yield* on(sleep(0));
  future.addDoneCallback(callback);
  future.removeDoneCallback(callback);
  future.setResult(3);
  assert.equal(yield* on(task), 3);
});

inEachFlavour("a done callback runs in the context in which it was added", function* ({ on }) {
  const variable = new ContextVar<string>("variable");
  const seen: string[] = [];
  const future = new Future();
  const chosen = new Context();
  chosen.run(() => variable.set("chosen"));
  variable.set("when added");
  future.addDoneCallback(() => seen.push(variable.get()));
  future.addDoneCallback(() => seen.push(variable.get()), { context: chosen });
  variable.set("when done");
  future.cancel();
  yield* on(sleep(0));
  assert.deepEqual(seen, ["when added", "chosen"]);
});

inEachFlavour("an error in a done callback is reported, and the other callbacks run", function* ({ on }) {
  const reports = collectReports();
  const log: string[] = [];
  const error = new Error("mine");
  const future = new Future();
  future.addDoneCallback(() => {
    throw error;
  });
  future.addDoneCallback(() => log.push("other"));
  future.cancel();
  yield* on(sleep(0));
  assert.deepEqual(log, ["other"]);
  assert.equal(reports[0]?.exception, error);
});

test("a done callback must be a function", () => {
  using loop = newLoop();
  assert.throws(() => loop.createFuture().addDoneCallback("callback" as never), TypeError);
});

test("a bare yield of a future is a RuntimeError at its place", async () => {
  using loop = newLoop();
  const future = loop.createFuture();
  const log: string[] = [];
  const main = function* () {
    try {
      yield future;
    } catch (error) {
      log.push(String(error));
    }
    return "went on";
  };
  assert.equal(await loop.runUntilComplete(main), "went on");
  assert.match(
    log[0] ?? "",
    /^RuntimeError: yield was used instead of yield\* in task .* with <Future pending>$/,
  );
});

test("a bare yield of a future is noticed after a proper one of the same future too", async () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  loop.callSoon(() => future.setResult(1));
  const main = function* () {
    yield* future;
    yield future;
  };
  await assert.rejects(loop.runUntilComplete(main), RuntimeError);
});

inEachFlavour("isfuture is true for futures and tasks only", function* ({ on, coroutine }) {
  const coro = coroutine(function* () {})();
  const task = createTask(coro);
  assert.equal(isfuture(new Future()), true);
  assert.equal(isfuture(task), true);
  for (const other of [coro, Promise.resolve(), { done: () => true }, null, undefined, 1]) {
    assert.equal(isfuture(other), false);
  }
  yield* on(task);
});

test("a future shows its state, its outcome in brief, and how many wait", () => {
  using loop = newLoop();
  const pending = loop.createFuture();
  assert.equal(String(pending), "<Future pending>");
  pending.addDoneCallback(() => {});
  assert.equal(inspect(pending), "<Future pending waiters=1>");
  const finished = loop.createFuture();
  finished.setResult({ a: { b: 1 } });
  assert.equal(String(finished), "<Future finished result={ a: [Object] }>");
  const failed = loop.createFuture();
  failed.setException(new TypeError("mine"));
  failed.exception();
  assert.equal(String(failed), '<Future finished exception=TypeError("mine")>');
  const cancelled = loop.createFuture();
  cancelled.cancel();
  assert.equal(String(cancelled), "<Future cancelled>");
  assert.equal(Object.prototype.toString.call(cancelled), "[object Future]");
});

test("an observer is called as a done callback is, can be taken back, and what it throws is reported", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const future = loop.createFuture<number>();
  const log: unknown[] = [];
  const observer = (done: Future<number>) => log.push(done.result());
  const failing = () => {
    throw new RangeError("mine");
  };
  future.addDoneCallback(() => log.push("callback"));
  future.observe(observer);
  future.observe(failing);
  future.observe(observer);
  assert.equal(future.removeDoneCallback(observer), 2);
  future.observe(observer);
  future.setResult(1);
  assert.deepEqual(log, []);
  await iterate(loop, 1);
  assert.deepEqual(log, ["callback", 1]);
  assert.deepEqual(
    reports.map(({ message, exception }) => [message, String(exception)]),
    [["Exception in callback failing()", "RangeError: mine"]],
  );
});
