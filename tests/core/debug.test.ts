import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  BaseEventLoop,
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  ensureFuture,
  Future,
  getRunningLoop,
  sleep,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectGarbage, collectReports, HostedClock, newLoop, withEachFlavour } from "../helpers.ts";
import { CapturedLog } from "./captured-log.ts";
import { Subscription } from "./subscription.ts";

const SWALLOWED =
  /^<Task finished name="stubborn" coro=.* result=7 created at \S+debug\.test\.ts:\d+:\d+> was cancelled, but caught the CancelledError and returned: throw it on, or call uncancel\(\) .*\ncreated at \(most recent call first\):\n {4}at /;
const STUCK =
  /^<Task cancelling name="stuck" coro=.* created at \S+debug\.test\.ts:\d+:\d+> was cancelled, but waits for a promise that is not of this library, .*ensureFuture\(promise\).*currentSignal\(\).*\ncreated at \(most recent call first\):\n {4}at /;

inEachFlavour("a task that swallows its cancellation is warned of", function* ({ on, body }) {
  using log = new CapturedLog();
  using warnings = new Subscription("asyncio:warning");
  const loop = getRunningLoop();
  loop.setDebug(true);
  const stubborn = body(function* () {
    try {
      yield* on(sleep(10));
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
    return 7;
  });
  const task = createTask(stubborn, { name: "stubborn" });
  yield* on(sleep(1));
  task.cancel();
  assert.equal(yield* on(task), 7);
  assert.equal(log.of("warn").length, 1);
  const [logged = ""] = log.of("warn");
  assert.match(logged, SWALLOWED);
  const [message] = logged.split("\n");
  assert.deepEqual(warnings.messages, [{ loop, kind: "swallowed-cancellation", message, task }]);
});

inEachFlavour(
  "a task that deals with its cancellation in a proper way is not warned of",
  function* ({ on, body }) {
    using log = new CapturedLog();
    getRunningLoop().setDebug(true);
    const caught = body(function* () {
      try {
        yield* on(sleep(10));
      } catch (error) {
        currentTask()?.uncancel();
        return error;
      }
      return null;
    });
    const cleansUp = body(function* () {
      try {
        yield* on(sleep(10));
      } finally {
        yield* on(sleep(1));
      }
    });
    const fails = body(function* () {
      try {
        yield* on(sleep(10));
      } catch {
        throw new Error("another");
      }
    });
    const tasks = [caught, cleansUp, fails].map((body) => createTask<unknown>(body));
    yield* on(sleep(1));
    for (const task of tasks) task.cancel();
    yield* on(sleep(5));
    assert.equal(tasks[1]?.cancelled(), true);
    assert.equal(String(tasks[2]?.exception()), "Error: another");
    assert.deepEqual(log.of("warn"), []);
  },
);

inEachFlavour("outside of debug mode nobody is warned of a swallowed cancellation", function* ({ on, body }) {
  using log = new CapturedLog();
  getRunningLoop().setDebug(false);
  const stubborn = body(function* () {
    try {
      yield* on(sleep(10));
    } catch {}
  });
  const task = createTask(stubborn);
  yield* on(sleep(1));
  task.cancel();
  yield* on(sleep(1));
  assert.equal(task.done(), true);
  assert.deepEqual(log.entries, []);
});

/** Run on a loop in debug mode that waits for Node where it has no timers. */
async function hosted(main: (log: CapturedLog) => Promise<void>, debug = true): Promise<void> {
  using log = new CapturedLog();
  const loop = new BaseEventLoop(new HostedClock());
  loop.setDebug(debug);
  loop.slowCallbackDuration = 60;
  await loop.runUntilComplete(() => main(log));
  loop.close();
}

/** What a `fetch` does with its signal. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** A promise of nobody's, and what fulfils it. */
const foreign = () => Promise.withResolvers<void>();

test("a cancelled task that is stuck on a foreign promise is warned of, once", () =>
  hosted(async (log) => {
    using warnings = new Subscription("asyncio:warning");
    const { promise, resolve } = foreign();
    const task = createTask(() => promise, { name: "stuck" });
    await sleep(1);
    task.cancel();
    task.cancel();
    await sleep(59);
    assert.deepEqual(log.of("warn"), []);
    await sleep(2);
    assert.equal(log.of("warn").length, 1);
    const [logged = ""] = log.of("warn");
    assert.match(logged, STUCK);
    const [message] = logged.split("\n");
    assert.deepEqual(warnings.messages, [{ loop: getRunningLoop(), kind: "stuck-task", message, task }]);
    task.cancel();
    await sleep(100);
    assert.equal(log.of("warn").length, 1);
    resolve();
    await assert.rejects(Promise.resolve(task), CancelledError);
  }));

test("a task that waits in both worlds, or that gets its cancellation in time, is not stuck", () =>
  hosted(async (log) => {
    const { promise, resolve } = foreign();
    const { promise: never } = foreign();
    class Uncancellable extends Future<void> {
      override cancel(): boolean {
        return false;
      }
    }
    const heard = createTask(() => rejectedBy(currentSignal()));
    const followed = createTask(async () => await ensureFuture(promise));
    const both = createTask(() => Promise.all([promise, sleep(1000)]));
    const late = createTask(async () => {
      await promise;
      await sleep(1000);
    });
    const forgiven = createTask(() => promise);
    const waitsForOurs = createTask(async () => {
      await promise;
      await new Uncancellable();
    });
    const cleansUp = createTask(async () => {
      try {
        await promise;
        await sleep(1000);
      } finally {
        await never;
      }
    });
    await sleep(1);
    const tasks = [heard, followed, both, late, forgiven, waitsForOurs, cleansUp];
    for (const task of tasks) task.cancel();
    forgiven.uncancel();
    await sleep(50);
    resolve();
    await sleep(100);
    assert.deepEqual(
      tasks.map((task) => task.cancelled()),
      [true, true, true, true, false, false, false],
    );
    assert.deepEqual(log.of("warn"), []);
    collectReports();
  }));

test("the watch over a cancellation ends with the task, and the timer with it", () =>
  hosted(async (log) => {
    const { promise, reject } = foreign();
    const task = createTask(() => promise);
    await sleep(1);
    const timers = getRunningLoop().timers.size;
    task.cancel();
    assert.equal(getRunningLoop().timers.size, timers + 1);
    reject(new Error("mine"));
    await assert.rejects(Promise.resolve(task), { message: "mine" });
    assert.equal(getRunningLoop().timers.next(), null);
    assert.deepEqual(log.of("warn"), []);
  }));

test("outside of debug mode a cancellation is not watched, nor with a limit without end", () =>
  hosted(async () => {
    const loop = getRunningLoop();
    const { promise, resolve } = foreign();
    const tasks = [createTask(() => promise), createTask(() => promise)] as const;
    await sleep(1);
    tasks[0].cancel();
    loop.setDebug(true);
    loop.slowCallbackDuration = Number.POSITIVE_INFINITY;
    tasks[1].cancel();
    assert.equal(loop.timers.size, 0);
    resolve();
    await sleep(1);
  }, false));

test("a task of a closed loop can be cancelled in debug mode", async () => {
  using _log = new CapturedLog();
  const loop = newLoop();
  loop.setDebug(true);
  const task = loop.createTask(() => sleep(1));
  loop.close();
  assert.equal(task.cancel(), true);
});

withEachFlavour(
  "a loop forgets how it was watched when its debug mode is turned off",
  async ({ on, body }, loop) => {
    using log = new CapturedLog();
    loop.setDebug(true);
    loop.setDebug(false);
    await loop.runUntilComplete(
      body(function* () {
        yield* on(sleep(1));
      }),
    );
    loop.close();
    assert.deepEqual(log.entries, []);
  },
);

/** The warnings of Node's that are emitted meanwhile. */
async function warningsOf(action: () => unknown): Promise<string[]> {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on("warning", note);
  try {
    await action();
    await turn();
  } finally {
    process.off("warning", note);
  }
  return warnings;
}

test("in debug mode a loop that is collected before it is closed is warned of", async () => {
  class MyLoop extends BaseEventLoop {}
  const make = (debug: boolean): MyLoop => {
    const loop = new MyLoop(new VirtualClock());
    loop.setDebug(debug);
    return loop;
  };
  const dropAndClose = async () => {
    make(true);
    make(false);
    const off = make(true);
    off.setDebug(false);
    const closed = make(true);
    closed.close();
    closed.setDebug(true);
    const used = make(true);
    await used.runUntilComplete(() => sleep(1));
  };
  using published = new Subscription("asyncio:warning");
  const warnings = await warningsOf(async () => {
    await dropAndClose();
    await collectGarbage();
  });
  assert.deepEqual(warnings, Array(2).fill("ResourceWarning: unclosed event loop <MyLoop>"));
  const message = { loop: null, kind: "unclosed", message: "unclosed event loop <MyLoop>" };
  assert.deepEqual(published.messages, [message, message]);
});

test("in debug mode the traces tell of closing", () => {
  using log = new CapturedLog();
  const loop = newLoop();
  loop.setDebug(true);
  loop.close();
  assert.deepEqual(log.of("debug"), ["Close <BaseEventLoop running=false closed=false debug=true>"]);
});
