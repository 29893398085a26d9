import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  CancelledError,
  Context,
  ContextVar,
  createTask,
  currentTask,
  getRunningLoop,
  InvalidStateError,
  sleep,
  Task,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectGarbage, newLoop, rejects, turnsOf, withEachFlavour } from "../helpers.ts";

inEachFlavour(
  "a task starts in the next iteration, not at once, in the order of creation",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const log: string[] = [];
    const note = coroutine(function* (text: string) {
      log.push(text);
    });
    createTask(note("first"));
    getRunningLoop().callSoon(() => log.push("callback"));
    createTask(note("second"));
    assert.deepEqual(log, []);
    yield* on(sleep(0));
    assert.deepEqual(log, ["first", "callback", "second"]);
  },
);

inEachFlavour(
  "a task takes a coroutine, a generator or a function of either flavour",
  function* ({ on, coroutine }) {
    const steps = coroutine(function* () {
      return "coroutine";
    });
    const given = [
      steps(),
      steps,
      (function* () {
        return "generator";
      })(),
      function* () {
        return "generator function";
      },
      async () => "async function",
      () => "plain function",
      () => sleep(1, "function that gives a coroutine"),
      () => Promise.resolve("function that gives a promise"),
    ];
    const results: unknown[] = [];
    for (const one of given) results.push(yield* on(createTask(one)));
    assert.deepEqual(results, [
      "coroutine",
      "coroutine",
      "generator",
      "generator function",
      "async function",
      "plain function",
      "function that gives a coroutine",
      "function that gives a promise",
    ]);
  },
);

inEachFlavour("a task refuses a promise, and tells what to do instead", function* ({ on }) {
  // @ts-expect-error: the work behind a promise is under way already
  const make = () => createTask(Promise.resolve(1));
  assert.throws(make, {
    name: "TypeError",
    message:
      "a coroutine was expected, got a promise: its work is under way already, and cannot be cancelled. " +
      "Pass the function that makes it, createTask(() => f(x)), or wait for it with ensureFuture(promise)",
  });
  yield* on(sleep(0));
});

test("a task refuses what is no coroutine", async () => {
  using loop = newLoop();
  for (const wrong of [5, "text", null, undefined, {}, [], loop.createFuture()]) {
    assert.throws(() => loop.createTask(wrong as never), /^TypeError: a coroutine was expected, got /);
  }
});

test("createTask needs a loop that runs, loop.createTask does not", async () => {
  assert.throws(() => createTask(() => 1), { name: "RuntimeError", message: "no running event loop" });
  using loop = newLoop();
  const task = loop.createTask(() => 1);
  assert.equal(await loop.runUntilComplete(task), 1);
});

inEachFlavour("a task gives the result of its coroutine", function* ({ on, coroutine }) {
  const task = createTask(
    coroutine(function* () {
      yield* on(sleep(1));
      return "result";
    })(),
  );
  assert.throws(() => task.result(), InvalidStateError);
  assert.throws(() => task.exception(), InvalidStateError);
  assert.equal(yield* on(task), "result");
  assert.equal(task.done(), true);
  assert.equal(task.result(), "result");
  assert.equal(task.exception(), null);
});

inEachFlavour("a task gives the error of its coroutine, the very same", function* ({ on, coroutine }) {
  const error = new Error("mine");
  const task = createTask(
    coroutine(function* () {
      yield* on(sleep(1));
      throw error;
    })(),
  );
  assert.equal(yield* rejects(on(task), Error), error);
  assert.equal(task.exception(), error);
  assert.throws(
    () => task.result(),
    (thrown) => thrown === error,
  );
  assert.equal(task.cancelled(), false);
});

inEachFlavour(
  "waiting for a task takes a turn when it ends, none when it is done",
  function* ({ on, coroutine }) {
    const task = createTask(coroutine(function* () {})());
    assert.equal(yield* turnsOf(on(task)), 1);
    assert.equal(yield* turnsOf(on(task)), 0);
  },
);

inEachFlavour("done callbacks of a task get the task", function* ({ on, coroutine }) {
  const log: unknown[] = [];
  const task = createTask(coroutine(function* () {})());
  const removed = () => log.push("removed");
  task.addDoneCallback((done) => log.push(done === task));
  task.addDoneCallback(removed);
  assert.equal(task.removeDoneCallback(removed), 1);
  yield* on(task);
  assert.deepEqual(log, [true]);
});

inEachFlavour("the outcome of a task cannot be set from outside", function* ({ on, coroutine }) {
  const task: Task<number> = createTask(
    coroutine(function* () {
      return 1;
    })(),
  );
  const setResult = { name: "RuntimeError", message: "Task does not support set_result operation" };
  const setException = { name: "RuntimeError", message: "Task does not support set_exception operation" };
  assert.throws(() => (task as { setResult(value: unknown): void }).setResult(2), setResult);
  assert.throws(
    () => (task as { setException(error: unknown): void }).setException(new Error()),
    setException,
  );
  assert.equal(yield* on(task), 1);
});

inEachFlavour("tasks are numbered, or have the name they are given", function* ({ on, coroutine }) {
  const f = coroutine(function* () {});
  const first = createTask(f());
  const second = createTask(f());
  const number = Number(/^Task-(\d+)$/.exec(first.getName())?.[1]);
  assert.equal(second.getName(), `Task-${number + 1}`);
  const named = createTask(f(), { name: "worker" });
  assert.equal(named.getName(), "worker");
  named.setName(5 as never);
  assert.equal(named.getName(), "5");
  assert.equal(createTask(f(), { name: "" }).getName(), "");
  yield* on(sleep(0));
});

inEachFlavour("a task knows its coroutine, its context and its loop", function* ({ on, coroutine }) {
  const coro = coroutine(function* () {})();
  const context = new Context();
  const task = createTask(coro, { context });
  assert.equal(task.getCoro(), coro);
  assert.equal(task.getContext(), context);
  assert.equal(task.getLoop(), getRunningLoop());
  yield* on(task);
  assert.equal(task.getCoro(), coro);
});

inEachFlavour("a task runs in a copy of the context in which it was made", function* ({ on, coroutine }) {
  const variable = new ContextVar<string>("variable");
  variable.set("parent");
  const task = createTask(
    coroutine(function* () {
      const seen = [variable.get()];
      variable.set("child");
      yield* on(sleep(1));
      seen.push(variable.get());
      return seen;
    })(),
  );
  variable.set("parent, later");
  assert.deepEqual(yield* on(task), ["parent", "child"]);
  assert.equal(variable.get(), "parent, later");
});

inEachFlavour("a task that is given a context runs in that very one", function* ({ on, coroutine }) {
  const variable = new ContextVar<string>("variable");
  const context = new Context();
  yield* on(
    createTask(
      coroutine(function* () {
        variable.set("from the task");
        yield* on(sleep(0));
      })(),
      { context },
    ),
  );
  assert.equal(context.get(variable), "from the task");
});

withEachFlavour("the loop keeps a task to which nobody else refers", async ({ on, body }, loop) => {
  const log: string[] = [];
  const start = () => {
    loop.createTask(
      body(function* () {
        const never = loop.createFuture<void>();
        loop.callLater(5, () => never.setResult(undefined));
        yield* on(never);
        log.push("went on");
      }),
    );
  };
  start();
  await loop.runUntilComplete(() => sleep(1));
  await collectGarbage();
  await loop.runUntilComplete(() => sleep(10));
  assert.deepEqual(log, ["went on"]);
});

inEachFlavour("a task shows its state, name, coroutine and what it waits for", function* ({ on, coroutine }) {
  const waited = getRunningLoop().createFuture();
  const wait = function* waiting() {
    yield* on(waited);
  };
  const task = createTask(coroutine(wait)(), { name: "worker" });
  assert.match(String(task), /^<Task pending name="worker" coro=<Coroutine .* scheduled>>$/);
  yield* on(sleep(0));
  assert.match(String(task), /^<Task pending name="worker" coro=<Coroutine .* running> waitFor=Future>$/);
  task.cancel();
  assert.match(inspect(task), /^<Task cancelling name="worker"/);
  yield* rejects(on(task), CancelledError);
  assert.match(inspect(task), /^<Task cancelled name="worker"/);
  const done = createTask(() => 5);
  yield* on(done);
  assert.match(String(done), /^<Task finished name="Task-\d+" coro=<.*> result=5>$/);
});

inEachFlavour("new Task makes a task of the running loop", function* ({ on, coroutine }) {
  const task = new Task(
    coroutine(function* () {
      return currentTask()?.getName();
    })(),
    { name: "made by hand" },
  );
  assert.equal(yield* on(task), "made by hand");
});
