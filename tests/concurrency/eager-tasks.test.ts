import assert from "node:assert/strict";
import {
  type BaseEventLoop,
  ContextVar,
  type Coroutine,
  createEagerTaskFactory,
  createTask,
  currentTask,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
  Task,
  TaskGroup,
  type TaskOptions,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { takesNoTurn, withEachFlavour } from "../helpers.ts";

inEachFlavour("an eager task runs to its first wait inside of createTask", function* ({ on, body }) {
  const log: string[] = [];
  const work = body(function* () {
    log.push("begins");
    yield* on(sleep(1));
    log.push("ends");
  });
  const task = createTask(() => work(), { eagerStart: true });
  log.push("created");
  yield* on(task);
  assert.deepEqual(log, ["begins", "created", "ends"]);
});

inEachFlavour(
  "an eager task is the current one while it begins, and its creator is again after that",
  function* ({ on, body }) {
    const creator = currentTask();
    let seen: unknown[] = [];
    const work = body(function* () {
      seen = [currentTask()];
      yield* on(sleep(0));
      seen.push(currentTask());
    });
    const task = createTask(() => work(), { eagerStart: true });
    assert.equal(currentTask(), creator);
    yield* on(task);
    assert.equal(currentTask(), creator);
    assert.deepEqual(seen, [task, task]);
  },
);

inEachFlavour(
  "an eager task that need not wait is over without a turn of the loop",
  function* ({ on, body }) {
    const work = body(function* () {
      return 42;
    });
    const task = createTask(() => work(), { eagerStart: true });
    assert.equal(yield* takesNoTurn(on(task)), 42);
  },
);

inEachFlavour(
  "an eager task that throws at once keeps its error for whoever awaits it",
  function* ({ on, body }) {
    const work = body(function* () {
      throw new Error("at once");
    });
    const task = createTask(() => work(), { eagerStart: true });
    yield* on(sleep(0));
    assert.match(String(task.exception()), /at once/);
  },
);

inEachFlavour("an eager task has a context of its own", function* ({ on, body }) {
  const variable = new ContextVar("variable", { defaultValue: "mine" });
  const work = body(function* () {
    variable.set("its");
    yield* on(sleep(0));
    return variable.get();
  });
  const task = createTask(() => work(), { eagerStart: true });
  assert.equal(variable.get(), "mine");
  assert.equal(yield* on(task), "its");
});

inEachFlavour("an eager task can be cancelled where it waits", function* ({ on, body }) {
  const work = body(function* () {
    yield* on(sleep(100));
  });
  const task = createTask(() => work(), { eagerStart: true });
  task.cancel();
  yield* on(sleep(0));
  yield* on(sleep(0));
  assert.equal(task.cancelled(), true);
});

inEachFlavour(
  "with the eager task factory all tasks are eager, but those that are not to be",
  function* ({ on, body }) {
    getRunningLoop().setTaskFactory(eagerTaskFactory);
    const log: string[] = [];
    const work = body(function* (name: string) {
      log.push(name);
      yield* on(sleep(0));
    });
    const tasks = [
      createTask(() => work("lazy"), { eagerStart: false, name: "named" }),
      createTask(() => work("eager")),
    ];
    log.push("created");
    for (const task of tasks) yield* on(task);
    assert.deepEqual(log, ["eager", "created", "lazy"]);
    assert.equal(tasks[0]!.getName(), "named");
  },
);

inEachFlavour(
  "a task group takes eager tasks, those that are done at once included",
  function* ({ on, body }) {
    getRunningLoop().setTaskFactory(eagerTaskFactory);
    const results: number[] = [];
    const work = body(function* (n: number) {
      if (n > 1) yield* on(sleep(n));
      results.push(n);
    });
    yield* on(
      TaskGroup.run(
        body(function* (group: TaskGroup) {
          for (const n of [3, 1, 2]) group.createTask(() => work(n));
          yield* on(sleep(0));
        }),
      ),
    );
    assert.deepEqual(results, [1, 2, 3]);
  },
);

withEachFlavour(
  "a task made before the loop runs begins with the loop, eager or not",
  async ({ body }, loop) => {
    let begun = false;
    const work = body(function* () {
      begun = true;
    });
    const task = loop.createTask(() => work(), { eagerStart: true });
    assert.equal(begun, false);
    await loop.runUntilComplete(task);
    assert.equal(begun, true);
  },
);

withEachFlavour("a class of one's own can make the eager tasks", async ({ body }, loop) => {
  class Loud<T> extends Task<T> {
    constructor(coroutine: Coroutine<T>, options: TaskOptions & { loop: BaseEventLoop }) {
      super(coroutine, { ...options, name: "LOUD" });
    }
  }
  loop.setTaskFactory(createEagerTaskFactory(Loud));
  const main = body(function* () {
    return createTask(sleep(0)).getName();
  });
  assert.equal(await loop.runUntilComplete(() => main()), "LOUD");
});
