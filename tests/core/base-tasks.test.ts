import assert from "node:assert/strict";
import { test } from "node:test";
import {
  coroutine,
  createTask,
  currentTask,
  Event,
  ensureFuture,
  Future,
  getRunningLoop,
  run,
  type StackFrame,
  sleep,
  type Task,
} from "../../src/index.ts";
import { inEachFlavour, type Steps } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

/** The names of the functions of this file on the task's stack, outermost first. */
function functions(task: Task<unknown>): string[] {
  return task
    .getStack()
    .filter(({ file }) => file === import.meta.url)
    .map(({ functionName }) => functionName);
}

const lineOf = (frame: StackFrame | undefined) => frame?.line ?? assert.fail("no line");

/** A text file in memory. */
function page() {
  const file = {
    text: "",
    write(text: string) {
      file.text += text;
    },
  };
  return file;
}

/** Start a task, have it run until it waits, look at it, and end it. */
async function whileWaiting(main: () => unknown, look: (task: Task<unknown>) => void) {
  using loop = newLoop();
  theEvent = new Event();
  await loop.runUntilComplete(async () => {
    const task = createTask(main, { name: "worker" });
    await sleep(1);
    look(task);
    theEvent.set();
    await task;
  });
}

/** What the functions below wait for; new for each loop. */
let theEvent: Event;

async function asyncInner() {
  await theEvent.wait();
}
async function asyncOuter() {
  await asyncInner();
}
function* generatorInner(): Steps<void> {
  yield* theEvent.wait();
}
function* generatorOuter(): Steps<void> {
  yield* generatorInner();
}

test("the stack of a suspended task shows the async functions that wait, outermost first", async () => {
  await whileWaiting(asyncOuter, (task) => {
    assert.deepEqual(functions(task), ["asyncOuter", "asyncInner"]);
    const frames = task.getStack().filter(({ file }) => file === import.meta.url);
    assert.ok(frames.every(({ isAsync }) => isAsync));
    assert.equal(lineOf(frames[0]), lineOf(frames[1]) + 3, "the lines where they wait");
  });
});

test("the stack of a suspended task shows the generators that wait, outermost first", async () => {
  await whileWaiting(generatorOuter, (task) => {
    assert.deepEqual(functions(task), ["generatorOuter", "generatorInner"]);
    const frames = task.getStack().filter(({ file }) => file === import.meta.url);
    assert.equal(lineOf(frames[0]), lineOf(frames[1]) + 3, "the lines where they wait");
  });
});

test("the stack shows async functions and generators that wait for one another", async () => {
  const asyncCoroutine = coroutine(asyncOuter);
  const generatorCoroutine = coroutine(generatorOuter);
  await whileWaiting(
    function* waitsForAsync(): Steps<void> {
      yield* asyncCoroutine();
    },
    (task) => assert.deepEqual(functions(task), ["waitsForAsync", "asyncOuter", "asyncInner"]),
  );
  await whileWaiting(
    async function waitsForGenerator() {
      await generatorCoroutine();
    },
    (task) => assert.deepEqual(functions(task), ["waitsForGenerator", "generatorOuter", "generatorInner"]),
  );
});

test("the stack goes through Promise.all", async () => {
  await whileWaiting(
    async function all() {
      await Promise.all([asyncInner(), asyncInner()]);
    },
    (task) => assert.deepEqual(functions(task), ["all", "asyncInner"]),
  );
});

test("to look at a stack disturbs nobody", async () => {
  const log: string[] = [];
  await whileWaiting(
    function* outer(): Steps<void> {
      try {
        log.push("waits");
        yield* generatorOuter();
        log.push("goes on");
      } finally {
        log.push("ends");
      }
    },
    (task) => {
      for (let i = 0; i < 3; i++) assert.equal(functions(task).length, 3);
      assert.equal(task.done(), false);
      assert.match(String(theEvent), /waiters:1/);
    },
  );
  assert.deepEqual(log, ["waits", "goes on", "ends"]);
});

inEachFlavour(
  "what the task waits for may be done already when its stack is asked for",
  function* ({ on, body }) {
    const future = new Future<string>();
    const task = createTask(
      body(function* waiter(): Steps<string> {
        return yield* on(future);
      }),
    );
    yield* on(sleep(1));
    future.setResult("result");
    assert.notDeepEqual(task.getStack(), []);
    assert.equal(yield* on(task), "result");
  },
);

inEachFlavour("the stack of the running task is that of the call", function* ({ on, body }) {
  function look() {
    return (task as Task<unknown>).getStack().map(({ functionName }) => functionName);
  }
  const task: Task<string[]> = createTask(
    body(function* worker(): Steps<string[]> {
      yield* on(sleep(1));
      return look();
    }),
  );
  const names = yield* on(task);
  assert.equal(names.at(-1), "look");
  assert.ok(names.includes("worker"), String(names));
});

test("while a task waits, a timer of Node's that it started sees where it waits", async () => {
  await run(async function main() {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    setTimeout(() => resolve(functions(task)));
    const task = currentTask()!;
    const woken = new Event();
    promise.then(() => woken.set());
    await woken.wait();
    assert.deepEqual(await promise, ["main"]);
  });
});

inEachFlavour("of a task that has not begun, the name of its coroutine is known", function* ({ coroutine }) {
  const task = createTask(coroutine(function* named(): Steps<void> {})());
  const [frame, ...others] = task.getStack();
  assert.deepEqual(others, []);
  assert.deepEqual([frame?.functionName, frame?.file], [task.getCoro().name, null]);
});

test("of an async function that waits for a promise that is not ours, the name is known", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const task = createTask(async function waitsForOthers() {
      await promise;
    });
    await sleep(1);
    assert.deepEqual(task.getStack().map(String), ["waitsForOthers (<unknown>)"]);
    const interruptible = createTask(async function waitsInterruptibly() {
      await ensureFuture(promise);
    });
    await sleep(1);
    assert.deepEqual(functions(interruptible), ["waitsInterruptibly"]);
    resolve();
  });
});

inEachFlavour("a task that is done has no stack", function* ({ on }) {
  const returned = createTask(sleep(1));
  const cancelled = createTask(sleep(10));
  yield* on(sleep(2));
  cancelled.cancel();
  yield* on(sleep(1));
  assert.deepEqual(returned.getStack(), []);
  assert.deepEqual(cancelled.getStack(), []);
});

test("the stack of a task that failed is that of its error, of which the oldest frames are kept", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(async () => {
    function thrower(): never {
      throw new TypeError("no");
    }
    const task = createTask(async function failing() {
      await sleep(1);
      thrower();
    });
    await sleep(2);
    assert.deepEqual(functions(task), ["failing", "thrower"]);
    const [oldest, ...others] = task.getStack({ limit: 1 });
    assert.deepEqual([oldest?.functionName, others], ["failing", []]);
    const file = page();
    task.printStack({ file });
    const [head, ...lines] = file.text.split("\n");
    assert.match(head!, /^Traceback for <Task finished .*> \(most recent call last\):$/);
    assert.match(lines.join("\n"), /^ {2}at failing \(.*\)\n {2}at thrower \(.*\)\nTypeError: no\n$/);
    assert.equal(task.exception() instanceof TypeError, true);
  });
});

test("a limit keeps the newest frames of a stack", async () => {
  await whileWaiting(generatorOuter, (task) => {
    const names = task.getStack().map(({ functionName }) => functionName);
    assert.deepEqual(
      task.getStack({ limit: 2 }).map(({ functionName }) => functionName),
      names.slice(-2),
    );
    assert.deepEqual(task.getStack({ limit: 0 }), []);
    assert.deepEqual(task.getStack({ limit: 99 }).length, names.length);
  });
});

test("printStack writes a line for each frame", async () => {
  await whileWaiting(asyncOuter, (task) => {
    const file = page();
    task.printStack({ file });
    const [head, first, second] = file.text.split("\n");
    assert.match(head!, /^Stack for <Task pending name="worker" .*> \(most recent call last\):$/);
    assert.match(first!, /^ {2}at async asyncOuter \(.*base-tasks\.test\.ts:\d+:\d+\)$/);
    assert.match(second!, /^ {2}at async asyncInner \(/);
  });
});

inEachFlavour("printStack says so if there is no stack", function* ({ on }) {
  const task = createTask(sleep(1), { name: "short" });
  yield* on(task);
  const file = page();
  task.printStack({ file });
  assert.match(file.text, /^No stack for <Task finished name="short" .*>\n$/);
});

inEachFlavour("a limit that is no count is refused", function* ({ on }) {
  const task = createTask(sleep(1));
  assert.throws(() => task.getStack({ limit: -1 }), { name: "ValueError" });
  assert.throws(() => task.getStack({ limit: 1.5 }), { name: "ValueError" });
  assert.throws(() => task.printStack({ limit: "1" as unknown as number }), TypeError);
  yield* on(task);
  assert.equal(getRunningLoop().isRunning(), true);
});
