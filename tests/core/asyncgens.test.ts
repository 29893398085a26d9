import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  asyncGenerator,
  CancelledError,
  createTask,
  getRunningLoop,
  type Suspension,
  sleep,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, newLoop, rejects, takesNoTurn } from "../helpers.ts";

/** Counts up a second each; logs how it ends. */
function counter(log: string[] = []) {
  return asyncGenerator(async function* count(to: number) {
    try {
      for (let i = 1; i <= to; i++) {
        await sleep(1);
        yield i;
      }
      return "end";
    } finally {
      log.push("closed");
    }
  });
}

test("for await gives the values, and closes the generator when it is left early", async () => {
  using loop = newLoop();
  const log: string[] = [];
  const seen = await loop.runUntilComplete(async () => {
    const all: number[] = [];
    for await (const n of counter(log)(3)) all.push(n);
    assert.deepEqual(log, ["closed"]);
    for await (const n of counter(log)(3)) {
      all.push(n);
      if (n === 2) break;
    }
    return all;
  });
  assert.deepEqual(seen, [1, 2, 3, 1, 2]);
  assert.deepEqual(log, ["closed", "closed"]);
  assert.equal(loop.asyncgens.open.size, 0);
});

inEachFlavour("a generator can be asked step by step in either flavour", function* ({ on }) {
  const generator = counter()(2);
  assert.deepEqual(yield* on(generator.next()), { value: 1, done: false });
  assert.deepEqual(yield* on(generator.next()), { value: 2, done: false });
  assert.deepEqual(yield* on(generator.next()), { value: "end", done: true });
  assert.deepEqual(yield* on(generator.next()), { value: undefined, done: true });
});

inEachFlavour("asking starts nothing before it is awaited, and takes no turn of its own", function* ({ on }) {
  const log: string[] = [];
  const generator = asyncGenerator(async function* () {
    log.push("started");
    yield 1;
  })();
  const step = generator.next();
  yield* on(sleep(0));
  assert.deepEqual(log, []);
  assert.deepEqual(yield* takesNoTurn(on(step)), { value: 1, done: false });
  assert.equal(getRunningLoop().asyncgens.open.size, 1);
  yield* on(generator.aclose());
});

inEachFlavour("a value can be sent, and an error thrown, into a generator", function* ({ on }) {
  const generator = asyncGenerator(async function* (): AsyncGenerator<string, void, string> {
    try {
      yield `got ${yield "first"}`;
    } catch (error) {
      yield `caught ${error}`;
    }
  })();
  yield* on(generator.next());
  assert.deepEqual((yield* on(generator.next("sent"))).value, "got sent");
  assert.deepEqual((yield* on(generator.throw(new Error("mine")))).value, "caught Error: mine");
  assert.deepEqual(yield* on(generator.return()), { value: undefined, done: true });
});

inEachFlavour("aclose runs the finally blocks; of a generator that never began, nothing", function* ({ on }) {
  const log: string[] = [];
  const begun = counter(log)(3);
  yield* on(begun.next());
  yield* on(begun.aclose());
  yield* on(begun.aclose());
  yield* on(counter(log)(3).aclose());
  assert.deepEqual(log, ["closed"]);
  assert.deepEqual(yield* on(begun.next()), { value: undefined, done: true });
});

inEachFlavour("cancelling reaches the wait inside of a generator", function* ({ on, coroutine }) {
  const log: string[] = [];
  const task = createTask(
    coroutine(function* () {
      yield* on(counter(log)(3).next());
    })(),
  );
  yield* on(sleep(0));
  task.cancel("enough");
  yield* rejects(on(task), CancelledError, "enough");
  assert.deepEqual(log, ["closed"]);
  assert.equal(getRunningLoop().asyncgens.open.size, 0);
});

inEachFlavour("shutdownAsyncgens closes the generators that were begun and not finished", function* ({ on }) {
  const log: string[] = [];
  const make = (name: string) =>
    asyncGenerator(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await sleep(1);
        log.push(name);
      }
    })();
  const begun = [make("a"), make("b")];
  for (const generator of begun) yield* on(generator.next());
  make("never begun");
  const finished = make("finished");
  for (let i = 0; i < 3; i++) yield* on(finished.next());
  const before = getRunningLoop().time();
  yield* on(getRunningLoop().shutdownAsyncgens());
  assert.deepEqual(log, ["finished", "a", "b"]);
  assert.equal(getRunningLoop().time(), before + 1, "all are closed together");
  yield* takesNoTurn(on(getRunningLoop().shutdownAsyncgens()));
});

inEachFlavour("an error while a generator is closed is reported, the others are closed", function* ({ on }) {
  const reports = collectReports();
  const error = new Error("mine");
  const log: string[] = [];
  const failing = asyncGenerator(async function* failing() {
    try {
      yield 1;
    } finally {
      await Promise.reject(error);
    }
  })();
  yield* on(failing.next());
  yield* on(counter(log)(3).next());
  yield* on(getRunningLoop().shutdownAsyncgens());
  assert.deepEqual(reports, [
    {
      message: "an error occurred during closing of asynchronous generator <AsyncGen failing>",
      exception: error,
      asyncgen: failing,
    },
  ]);
  assert.deepEqual(log, ["closed"]);
});

test("await using closes a generator", async () => {
  using loop = newLoop();
  const log: string[] = [];
  await loop.runUntilComplete(async () => {
    await using generator = counter(log)(3);
    await generator.next();
  });
  assert.deepEqual(log, ["closed"]);
});

test("a generator belongs to the loop in which it first runs", async () => {
  using first = newLoop();
  using second = newLoop();
  const generator = counter()(3);
  await first.runUntilComplete(() => generator.next());
  assert.equal(first.asyncgens.open.size, 1);
  await second.runUntilComplete(() => generator.next());
  assert.equal(second.asyncgens.open.size, 0);
  await first.runUntilComplete(first.shutdownAsyncgens());
  assert.equal(first.asyncgens.open.size, 0);
});

test("asyncGenerator needs an async generator function, and keeps its name", () => {
  for (const wrong of [async () => {}, function* (): Generator<Suspension> {}, () => {}, null]) {
    assert.throws(() => asyncGenerator(wrong as never), TypeError);
  }
  assert.equal(inspect(counter()(1)), "<AsyncGen count>");
  assert.equal(counter()(1).name, "count");
});
