import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  type Coroutine,
  createTask,
  coroutine as decorate,
  Future,
  GeneratorExit,
  getRunningLoop,
  iscoroutine,
  iscoroutinefunction,
  RuntimeError,
  type Suspension,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import {
  collectGarbage,
  collectReports,
  newLoop,
  rejects,
  takesNoTurn,
  withEachFlavour,
} from "../helpers.ts";

inEachFlavour("calling a coroutine function runs nothing of it", function* ({ on, coroutine }) {
  const log: string[] = [];
  const f = coroutine(function* () {
    log.push("ran");
    return "result";
  });
  const made = f();
  assert.equal(made.unstarted, true);
  yield* on(sleep(0));
  assert.deepEqual(log, []);
  assert.equal(yield* on(made), "result");
  assert.equal(made.unstarted, false);
  assert.deepEqual(log, ["ran"]);
});

inEachFlavour("awaiting a coroutine takes no turn of the loop", function* ({ on, coroutine }) {
  const inner = coroutine(function* (n: number) {
    return n + 1;
  });
  const outer = coroutine(function* (n: number) {
    return (yield* on(inner(n))) * 2;
  });
  assert.equal(yield* takesNoTurn(on(outer(1))), 4);
});

inEachFlavour("the arguments and this of the call reach the function", function* ({ on }) {
  class Counter {
    count = 10;
    add = decorate(function* (this: Counter, ...more: number[]) {
      for (const n of more) this.count += n;
      return this.count;
    });
  }
  assert.equal(yield* on(new Counter().add(1, 2, 3)), 16);
});

inEachFlavour("a coroutine can be awaited once", function* ({ on, coroutine }) {
  const made = coroutine(function* () {
    return 1;
  })();
  yield* on(made);
  yield* rejects(on(made), RuntimeError, "cannot reuse already awaited coroutine");
  yield* rejects(on(made), RuntimeError, "cannot reuse already awaited coroutine");
});

inEachFlavour(
  "a coroutine that a task runs can be neither awaited nor run again",
  function* ({ on, coroutine }) {
    const made = coroutine(function* () {
      return 1;
    })();
    const task = createTask(made);
    assert.throws(() => createTask(made), RuntimeError);
    yield* on(task);
    assert.throws(() => createTask(made), RuntimeError);
    yield* rejects(on(made), RuntimeError);
  },
);

inEachFlavour("a coroutine that was awaited cannot be made into a task", function* ({ on, coroutine }) {
  const made = coroutine(function* () {})();
  yield* on(made);
  assert.throws(() => createTask(made), {
    name: "RuntimeError",
    message: "cannot reuse already awaited coroutine",
  });
});

test("coroutine() wraps generator functions, async functions and plain functions", async () => {
  using loop = newLoop();
  const generator = decorate(function* (n: number) {
    yield* sleep(0);
    return n;
  });
  const asynchronous = decorate(async (n: number) => {
    await sleep(0);
    return n;
  });
  const value = decorate((n: number) => n);
  const promise = decorate((n: number) => Promise.resolve(n));
  const coroutineOf = decorate((n: number) => generator(n));
  const future = decorate((n: number) => {
    const made = new Future<number>();
    made.setResult(n);
    return made;
  });
  for (const f of [generator, asynchronous, value, promise, coroutineOf, future]) {
    assert.equal(await loop.runUntilComplete(f(5)), 5);
  }
});

test("an error that a plain function throws comes out where the coroutine is awaited", async () => {
  using loop = newLoop();
  const failing = decorate((): number => {
    throw new TypeError("mine");
  })();
  await assert.rejects(loop.runUntilComplete(failing), { name: "TypeError", message: "mine" });
});

test("coroutine() keeps the function's name, and needs a function", () => {
  const named = decorate(function* fetchAll() {});
  assert.equal(named.name, "fetchAll");
  const made = named();
  assert.equal(made.name, "fetchAll");
  assert.equal(inspect(made), "<Coroutine fetchAll created>");
  made.close();
  assert.equal(String(made), "<Coroutine fetchAll closed>");
  assert.throws(() => decorate(5 as never), TypeError);
});

test("iscoroutine is true for coroutines and generators, not for functions, futures and promises", () => {
  using loop = newLoop();
  const f = decorate(function* () {});
  const made = f();
  function* generate() {}
  assert.equal(iscoroutine(made), true);
  assert.equal(iscoroutine(generate()), true);
  for (const other of [f, generate, loop.createFuture(), Promise.resolve(), [].values(), null, 1]) {
    assert.equal(iscoroutine(other), false, inspect(other));
  }
  made.close();
});

test("iscoroutinefunction is true for async, generator and wrapped functions", () => {
  assert.equal(
    iscoroutinefunction(async () => {}),
    true,
  );
  assert.equal(
    iscoroutinefunction(function* () {}),
    true,
  );
  assert.equal(iscoroutinefunction(decorate(() => 1)), true);
  assert.equal(
    iscoroutinefunction(() => 1),
    false,
  );
  assert.equal(
    iscoroutinefunction(async function* () {}),
    false,
  );
  assert.equal(iscoroutinefunction(null), false);
});

test("send runs a coroutine by hand, from wait to wait", () => {
  using loop = newLoop();
  const future = loop.createFuture<number>();
  const coro = decorate(function* () {
    yield;
    return yield* future;
  })();
  assert.deepEqual(coro.send(), { done: false, value: undefined });
  const second = coro.send();
  assert.equal(second.value, future);
  future.setResult(3);
  assert.deepEqual(coro.send(), { done: true, value: 3 });
  assert.throws(() => coro.send(), RuntimeError);
});

test("throw throws at the place where the coroutine waits", () => {
  const log: unknown[] = [];
  const coro = decorate(function* () {
    try {
      yield;
    } catch (error) {
      log.push(error);
    }
    return "handled";
  })();
  coro.send();
  const error = new Error("mine");
  assert.deepEqual(coro.throw(error), { done: true, value: "handled" });
  assert.deepEqual(log, [error]);
  assert.throws(() => coro.throw(error), RuntimeError);
});

test("throw into a coroutine that did not start ends it", () => {
  const log: string[] = [];
  const coro = decorate(function* () {
    log.push("ran");
  })();
  assert.throws(() => coro.throw(new Error("mine")), /mine/);
  assert.throws(() => coro.send(), RuntimeError);
  assert.deepEqual(log, []);
});

test("close runs the finally blocks of a coroutine that waits", () => {
  const log: unknown[] = [];
  const coro = decorate(function* () {
    try {
      yield;
    } catch (error) {
      log.push(error instanceof GeneratorExit);
      throw error;
    } finally {
      log.push("finally");
    }
  })();
  coro.send();
  coro.close();
  coro.close();
  assert.deepEqual(log, [true, "finally"]);
  assert.throws(() => coro.send(), RuntimeError);
});

test("close throws what the coroutine throws, and RuntimeError if it goes on waiting", () => {
  const failing = decorate(function* () {
    try {
      yield;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: that is the case in question
      throw new TypeError("mine");
    }
  })();
  failing.send();
  assert.throws(() => failing.close(), { name: "TypeError", message: "mine" });
  const stubborn = decorate(function* stubborn() {
    for (;;) {
      try {
        yield;
      } catch {}
    }
  })();
  stubborn.send();
  assert.throws(() => stubborn.close(), {
    name: "RuntimeError",
    message: "coroutine 'stubborn' ignored GeneratorExit",
  });
});

test("a coroutine that was closed before it started cannot be awaited", async () => {
  using loop = newLoop();
  const coro = sleep(1);
  coro.close();
  await assert.rejects(loop.runUntilComplete(coro), RuntimeError);
});

test("a generator object can be run, and awaited, as a coroutine", async () => {
  using loop = newLoop();
  function* steps(n: number): Generator<Suspension, number, unknown> {
    yield* sleep(1);
    return n;
  }
  const main = function* () {
    return [yield* steps(1), yield* createTask(steps(2))];
  };
  assert.deepEqual(await loop.runUntilComplete(main()), [1, 2]);
});

/** In a function of its own, so that nobody refers to the coroutine afterwards. */
function forget(make: () => Coroutine<unknown>): void {
  make();
}

withEachFlavour("a coroutine that nobody awaited is reported when the loop closes", async (flavour, loop) => {
  const reports = collectReports(loop);
  const f = flavour.coroutine(function* () {});
  await loop.runUntilComplete(() => {
    f();
    f();
  });
  loop.close();
  assert.equal(reports.length, 2);
  assert.match(reports[0]?.message ?? "", /^coroutine '.*' was never awaited$/);
});

test("a coroutine that nobody awaited is reported when it is collected", async () => {
  using loop = newLoop();
  const reports = collectReports(loop);
  const fetchAll = decorate(function* fetchAll() {});
  await loop.runUntilComplete(() => forget(fetchAll));
  assert.deepEqual(reports, []);
  await collectGarbage();
  assert.deepEqual(reports, [{ message: "coroutine 'fetchAll' was never awaited" }]);
});

withEachFlavour("a coroutine that was awaited, run or closed is not reported", async (flavour, loop) => {
  const { on, coroutine, body } = flavour;
  const reports = collectReports(loop);
  const f = coroutine(function* () {});
  await loop.runUntilComplete(
    body(function* () {
      const late = f();
      const closed = f();
      yield* on(f());
      createTask(f());
      f().close();
      yield* on(sleep(1));
      yield* on(late);
      closed.close();
      createTask(f()).cancel();
    }),
  );
  await loop.runUntilComplete(() => sleep(0));
  loop.close();
  assert.deepEqual(reports, []);
});

test("in debug mode the report tells where the coroutine was made", async () => {
  const loop = newLoop();
  loop.setDebug(true);
  const reports = collectReports(loop);
  await loop.runUntilComplete(function makesIt() {
    sleep(1);
    assert.equal(getRunningLoop(), loop);
  });
  loop.close();
  assert.match(reports[0]?.sourceTraceback ?? "", /makesIt/);
});
