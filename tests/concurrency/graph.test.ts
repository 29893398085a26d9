import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  asCompleted,
  captureCallGraph,
  createTask,
  currentTask,
  type Future,
  type FutureCallGraph,
  formatCallGraph,
  gather,
  getRunningLoop,
  printCallGraph,
  RuntimeError,
  shield,
  sleep,
  Task,
  TaskGroup,
  wait,
  waitFor,
} from "../../src/index.ts";
import { inEachFlavour, type Steps } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

const nameOf = (future: Future<unknown>) =>
  future instanceof Task ? future.getName() : future.constructor.name;

/** Who waits, as nested arrays of names. */
function shape({ future, awaitedBy }: FutureCallGraph): unknown[] {
  return [nameOf(future), ...awaitedBy.map(shape)];
}

const functionsOf = (graph: FutureCallGraph) =>
  graph.callStack
    .map(({ frame }) => frame)
    .filter(({ file }) => file === import.meta.url)
    .map(({ functionName }) => functionName);

/** The text without what differs from run to run. */
const tidy = (text: string) =>
  text.replace(/id=0x[0-9a-f]+/g, "id").replace(/\(.*\/([^/]+?)(:\d+)*\)/g, "($1)");

inEachFlavour(
  "the graph of a task shows its stack, and who waits for it, and for them",
  function* ({ on, body }) {
    const leaf = createTask(
      body(function* leaf(): Steps<void> {
        yield* on(sleep(10));
      }),
      { name: "leaf" },
    );
    const middle = createTask(
      body(function* middle(): Steps<void> {
        yield* on(leaf);
      }),
      { name: "middle" },
    );
    createTask(() => middle, { name: "outer" });
    createTask(() => leaf, { name: "other" });
    yield* on(sleep(1));
    const graph = captureCallGraph(leaf)!;
    assert.deepEqual(shape(graph), ["leaf", ["middle", ["outer"]], ["other"]]);
    assert.equal(graph.future, leaf);
    assert.ok(graph.callStack.length > 0);
    assert.ok(Object.isFrozen(graph) && Object.isFrozen(graph.awaitedBy));
    yield* on(leaf);
  },
);

inEachFlavour("whoever waits by way of a combinator waits for its members", function* ({ on, body }) {
  const leaf = createTask(sleep(10), { name: "leaf" });
  const waiting = {
    gather: body(function* (): Steps<void> {
      yield* on(gather(leaf, sleep(10)));
    }),
    nested: body(function* (): Steps<void> {
      yield* on(gather(gather(leaf), sleep(10)));
    }),
    shield: body(function* (): Steps<void> {
      yield* on(shield(leaf));
    }),
    wait: body(function* (): Steps<void> {
      yield* on(wait([leaf]));
    }),
    waitFor: body(function* (): Steps<void> {
      yield* on(waitFor(leaf, 100));
    }),
    asCompleted: body(function* (): Steps<void> {
      for (const next of asCompleted([leaf])) yield* on(next);
    }),
  };
  for (const [name, main] of Object.entries(waiting)) createTask(main, { name });
  yield* on(sleep(1));
  const graph = captureCallGraph(leaf)!;
  const names = graph.awaitedBy.map(({ future }) => nameOf(future));
  assert.deepEqual(names.toSorted(), Object.keys(waiting).toSorted());
  yield* on(leaf);
  yield* on(sleep(1));
  assert.deepEqual(shape(captureCallGraph(leaf)!), ["leaf"], "nobody waits any more");
});

inEachFlavour("whoever leaves a task group waits for its tasks", function* ({ on, body }) {
  const children: Task<void>[] = [];
  const parent = createTask(
    () =>
      TaskGroup.run(
        body(function* (group: TaskGroup): Steps<void> {
          children.push(group.createTask(sleep(10), { name: "child" }));
        }),
      ),
    { name: "parent" },
  );
  yield* on(sleep(1));
  assert.deepEqual(shape(captureCallGraph(children[0])!), ["child", ["parent"]]);
  yield* on(parent);
});

inEachFlavour("without an argument the running task is shown, from the caller on", function* ({ on, body }) {
  function look() {
    return [captureCallGraph(), captureCallGraph(null, { depth: 2 })];
  }
  const main = body(function* working(): Steps<void> {
    yield* on(sleep(1));
    const [graph, fromCaller] = look();
    assert.equal(graph!.future, currentTask());
    assert.equal(functionsOf(graph!)[0], "look");
    assert.ok(functionsOf(graph!).includes("working"));
    assert.deepEqual(functionsOf(fromCaller!), functionsOf(graph!).slice(1));
    assert.deepEqual(shape(graph!), ["working", ["parent", ["main"]]]);
  });
  currentTask()!.setName("main");
  const task = createTask(main, { name: "working" });
  yield* on(createTask(() => task, { name: "parent" }));
});

inEachFlavour(
  "a limit keeps the frames next to the call, or the outermost ones, or none",
  function* ({ on, body }) {
    const task = createTask(
      body(function* working(): Steps<void> {
        yield* on(sleep(10));
      }),
    );
    yield* on(sleep(1));
    const frames = (limit: number | null) =>
      captureCallGraph(task, { limit })!.callStack.map(({ frame }) => String(frame));
    const all = frames(null);
    assert.ok(all.length > 1);
    assert.deepEqual(frames(1), all.slice(0, 1));
    assert.deepEqual(frames(-1), all.slice(-1));
    assert.deepEqual(frames(0), []);
    yield* on(task);
  },
);

inEachFlavour("in a plain callback there is no task to show", function* ({ on }) {
  let shown: unknown[] = [];
  getRunningLoop().callSoon(() => {
    shown = [captureCallGraph(), formatCallGraph()];
  });
  yield* on(sleep(1));
  assert.deepEqual(shown, [null, ""]);
});

test("outside of a loop a future must be named", () => {
  assert.throws(() => captureCallGraph(), RuntimeError);
  using loop = newLoop();
  assert.equal(captureCallGraph(loop.createFuture())?.awaitedBy.length, 0);
});

inEachFlavour("what is no future, and numbers that make no sense, are refused", function* () {
  assert.throws(() => captureCallGraph("x" as never), {
    name: "TypeError",
    message: /a Future was expected/,
  });
  assert.throws(() => captureCallGraph(null, { depth: "1" as never }), TypeError);
  assert.throws(() => formatCallGraph(null, { limit: 1.5 }), { name: "ValueError" });
});

test("the text describes each task once, and names it where it occurs again", async () => {
  using loop = newLoop();
  await loop.runUntilComplete(async () => {
    const leaf = createTask(sleep(10), { name: "leaf" });
    const left = createTask(
      async function left() {
        await leaf;
      },
      { name: "left" },
    );
    const right = createTask(
      async function right() {
        await leaf;
      },
      { name: "right" },
    );
    const both = createTask(
      async function both() {
        await gather(left, right);
      },
      { name: "both" },
    );
    await sleep(1);
    const expected = [
      '* Task(name="leaf", id)',
      "  + Call stack:",
      "  |   at pause (sleep.ts)",
      "  + Awaited by:",
      '    * Task(name="left", id)',
      "      + Call stack:",
      "      |   at async left (graph.test.ts)",
      "      + Awaited by:",
      '        * Task(name="both", id)',
      "          + Call stack:",
      "          |   at async both (graph.test.ts)",
      '    * Task(name="right", id)',
      "      + Call stack:",
      "      |   at async right (graph.test.ts)",
      "      + Awaited by:",
      '        * Task(name="both", id) (see above)',
    ].join("\n");
    assert.equal(tidy(formatCallGraph(leaf)), expected);
    let printed = "";
    printCallGraph(leaf, {
      file: {
        write: (text) => {
          printed += text;
        },
      },
    });
    assert.equal(tidy(printed), `${expected}\n`);
    assert.equal(tidy(inspect(captureCallGraph(leaf))), expected);
    await both;
  });
});

inEachFlavour("tasks that wait for each other are told as a deadlock", function* ({ on, body }) {
  const waitsFor = (find: () => Task<void>) =>
    body(function* (): Steps<void> {
      yield* on(sleep(1));
      yield* on(find());
    });
  const a: Task<void> = createTask(
    waitsFor(() => b),
    { name: "a" },
  );
  const b: Task<void> = createTask(
    waitsFor(() => c),
    { name: "b" },
  );
  const c: Task<void> = createTask(
    waitsFor(() => a),
    { name: "c" },
  );
  yield* on(sleep(2));
  const graph = captureCallGraph(a)!;
  assert.equal(graph.awaitedBy[0]!.awaitedBy[0]!.awaitedBy[0], graph, "the graph is a circle");
  assert.match(
    formatCallGraph(a),
    /\* Task\(name="a", id=0x\w+\) deadlock: a waits for b waits for c waits for a$/,
  );
  a.cancelAnyway();
  yield* on(wait([a, b, c]));
});

inEachFlavour("ten thousand tasks that wait for one are shown, each once", function* ({ on, body }) {
  const future = getRunningLoop().createFuture<void>();
  const waiter = body(function* (): Steps<void> {
    yield* on(future);
  });
  const tasks = Array.from({ length: 10_000 }, (_, index) => createTask(waiter, { name: `waiter ${index}` }));
  const all = createTask(() => gather(...tasks.slice(0, 5000)), { name: "all" });
  yield* on(sleep(1));
  const graph = captureCallGraph(future, { limit: 0 })!;
  assert.equal(graph.awaitedBy.length, 10_000);
  assert.equal(new Set(graph.awaitedBy.slice(0, 5000).map(({ awaitedBy }) => awaitedBy[0])).size, 1);
  const text = formatCallGraph(future, { limit: 0 });
  assert.equal(text.match(/name="waiter \d+"/g)?.length, 10_000);
  assert.equal(text.match(/name="all", id=0x\w+\)$/gm)?.length, 1);
  assert.equal(text.match(/name="all", id=0x\w+\) \(see above\)$/gm)?.length, 4999);
  future.setResult();
  yield* on(all);
});

inEachFlavour(
  "a chain of ten thousand tasks is shown, and its text stays in proportion",
  function* ({ on, body }) {
    const first = createTask(sleep(10), { name: "0" });
    let last: Task<unknown> = first;
    for (let index = 1; index < 10_000; index++) {
      const before = last;
      const main = body(function* (): Steps<void> {
        yield* on(before);
      });
      last = createTask(main, { name: String(index) });
    }
    yield* on(sleep(1));
    const text = formatCallGraph(first, { limit: 0 });
    assert.equal(text.match(/\* Task/g)?.length, 10_000);
    assert.match(text, /\[9999\] \* Task\(name="9999"/);
    assert.ok(text.length < 10_000 * 400);
    yield* on(last);
  },
);
