import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  type BaseEventLoop,
  coroutine,
  createTask,
  eagerTaskFactory,
  ensureFuture,
  gather,
  getRunningLoop,
  sleep,
  Task,
  TaskGroup,
  wait,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, iterate, newLoop } from "../helpers.ts";

const lines = readFileSync(import.meta.filename, "utf8").split("\n");

/** The source line that the text says it was made at, which must be in this file. */
function madeAt(text: unknown): string {
  const [, line] = /created at \S*\/debug\.places\.test\.ts:(\d+):\d+>$/.exec(String(text)) ?? [];
  assert.ok(line, `no place of this file: ${text}`);
  return lines[Number(line) - 1]!.trim();
}

function debugLoop(): BaseEventLoop {
  const loop = newLoop();
  loop.setDebug(true);
  return loop;
}

test("futures, tasks, handles and timers show where they were made, in debug mode", () => {
  using loop = debugLoop();
  collectReports(loop);
  const future = loop.createFuture(); // future
  const task = loop.createTask(() => {}); // task
  const handle = loop.callSoon(() => {}); // handle
  const timer = loop.callLater(1, () => {}); // timer
  for (const [made, name] of Object.entries({ future, task, handle, timer }).map(([name, made]) => [
    made,
    name,
  ])) {
    assert.match(madeAt(made), new RegExp(`// ${name}$`));
    assert.equal(inspect(made), String(made));
  }
  loop.setDebug(false);
  assert.equal(String(loop.createFuture()), "<Future pending>");
});

/** The tasks that `make` makes. */
function tasksMadeBy(make: () => unknown): Task<unknown>[] {
  const before = new Set(getRunningLoop().tasks);
  make();
  const made = [...getRunningLoop().tasks].filter((task) => !before.has(task));
  assert.ok(made.length > 0);
  return made;
}

inEachFlavour(
  "a task's place is the program's line, however it is made",
  function* ({ on, body, coroutine }) {
    const loop = getRunningLoop();
    loop.setDebug(true);
    const work = coroutine(function* () {
      yield* on(sleep(1));
    });
    const makers: Record<string, () => unknown> = {
      createTask: () => createTask(work()), // createTask
      ensureFuture: () => ensureFuture(work()), // ensureFuture
      gather: () => gather(work(), work()), // gather
      wait: () => ensureFuture(wait([createTask(work())])), // wait
      eager: () => loop.createTask(work(), { eagerStart: true }), // eager
    };
    for (const [name, make] of Object.entries(makers)) {
      for (const task of tasksMadeBy(make)) assert.match(madeAt(task), new RegExp(`// ${name}$`));
    }
    const byFactory = () => createTask(work()); // by a factory
    loop.setTaskFactory(eagerTaskFactory);
    for (const task of tasksMadeBy(byFactory)) assert.match(madeAt(task), /\/\/ by a factory$/);
    loop.setTaskFactory((theLoop, coro, options) => new Task(coro, { loop: theLoop, ...options })); // the factory
    for (const task of tasksMadeBy(byFactory)) assert.match(madeAt(task), /\/\/ the factory$/);
    loop.setTaskFactory(null);
    const group = body(function* () {
      yield* on(
        TaskGroup.run(
          body(function* (tg: TaskGroup) {
            const task = tg.createTask(work); // group
            assert.match(madeAt(task), /\/\/ group$/);
          }),
          { limit: 1 },
        ),
      );
    });
    yield* on(createTask(group));
    yield* on(sleep(2));
  },
);

test("the frames of the library take no room from those of the program", async () => {
  using loop = debugLoop();
  const work = coroutine(() => {});
  const deep = (depth: number): unknown => (depth === 0 ? gather(work()) : deep(depth - 1));
  await loop.runUntilComplete(() => {
    const [task] = tasksMadeBy(() => deep(20));
    const names = task?.sourceTraceback?.frames.map(({ functionName }) => functionName);
    assert.deepEqual(names, Array(10).fill("deep"));
  });
});

test("a coroutine that nobody awaited tells where it was made", async () => {
  using loop = debugLoop();
  const reports = collectReports(loop);
  const forgotten = coroutine(async function forgotten() {});
  await loop.runUntilComplete(function main() {
    forgotten(); // never awaited
    sleep(1); // never awaited either
  });
  loop.close();
  const places = reports.map(({ message, sourceTraceback = "" }) => {
    const [, line] = /^ {4}at main \(\S*debug\.places\.test\.ts:(\d+):\d+\)/.exec(sourceTraceback) ?? [];
    return [message, lines[Number(line) - 1]?.split("// ")[1]];
  });
  assert.deepEqual(places, [
    ["coroutine 'forgotten' was never awaited", "never awaited"],
    ["coroutine 'sleep' was never awaited", "never awaited either"],
  ]);
});

test("a report tells where its subject was made, the library's own frames left out", async () => {
  const loop = debugLoop();
  const reports = collectReports(loop);
  loop.callSoon(() => {
    throw new Error("of a callback");
  });
  loop.createFuture().setException(new Error("of a future"));
  await iterate(loop, 1);
  loop.close();
  assert.equal(reports.length, 2);
  for (const { sourceTraceback = "" } of reports) {
    assert.match(sourceTraceback, /^ {4}at .*debug\.places\.test\.ts/);
    assert.doesNotMatch(sourceTraceback, /\/src\/|node:/);
  }
});
