import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  asyncGenerator,
  BaseEventLoop,
  CancelledError,
  Context,
  ContextVar,
  createTask,
  type ExceptionContext,
  getRunningLoop,
  Runner,
  RuntimeError,
  run,
  sleep,
  type Task,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { flavours, type Steps } from "../flavours.ts";

/** Options for a run without real time, and the reports of its loop. */
function onVirtualClock() {
  const reports: ExceptionContext[] = [];
  const loop = new BaseEventLoop(new VirtualClock());
  loop.setExceptionHandler((_loop, context) => reports.push(context));
  return { loop, reports, options: { loopFactory: () => loop } };
}

for (const { name, on, body } of flavours) {
  const inFlavour = (sentence: string, fn: () => Promise<void>) => test(`${sentence} (${name})`, fn);

  inFlavour("run gives what main returns, and closes the loop", async () => {
    const { loop, options } = onVirtualClock();
    const main = body(function* () {
      yield* on(sleep(1));
      return 42;
    });
    assert.equal(await run(main, options), 42);
    assert.ok(loop.isClosed());
  });

  inFlavour("run throws what main throws, and closes the loop", async () => {
    const { loop, options } = onVirtualClock();
    const main = body(function* () {
      yield* on(sleep(1));
      throw new Error("no");
    });
    await assert.rejects(run(main, options), /^Error: no$/);
    assert.ok(loop.isClosed());
  });

  inFlavour("run cancels the tasks that main leaves behind, oldest first, and waits for them", async () => {
    const log: string[] = [];
    const child = body(function* (label: string) {
      try {
        yield* on(sleep(100));
      } finally {
        log.push(`${label} cancelled`);
        yield* on(sleep(1));
        log.push(`${label} cleaned up`);
      }
    });
    const main = body(function* () {
      createTask(() => child("a"));
      createTask(() => child("b"));
      yield* on(sleep(1));
      log.push("main ends");
    });
    await run(main, onVirtualClock().options);
    assert.deepEqual(log, ["main ends", "a cancelled", "b cancelled", "a cleaned up", "b cleaned up"]);
  });

  inFlavour("run reports the error of a task that fails while it is being cancelled", async () => {
    const { reports, options } = onVirtualClock();
    const child = body(function* () {
      try {
        yield* on(sleep(100));
      } catch {
        throw new Error("clean-up failed");
      }
    });
    const main = body(function* () {
      createTask(() => child());
      yield* on(sleep(1));
    });
    await run(main, options);
    assert.deepEqual(
      reports.map(({ message, exception }) => [message, String(exception)]),
      [["unhandled exception during asyncio.run() shutdown", "Error: clean-up failed"]],
    );
  });

  inFlavour("run ends tasks that wait for each other in a circle", async () => {
    const { loop, reports, options } = onVirtualClock();
    const tasks: Task<unknown>[] = [];
    const waitsFor = body(function* (index: number): Steps<void> {
      yield* on(sleep(1));
      yield* on(tasks[index]!);
    });
    const main = body(function* () {
      tasks.push(
        createTask(() => waitsFor(1)),
        createTask(() => waitsFor(0)),
      );
      yield* on(sleep(2));
    });
    await run(main, options);
    assert.ok(tasks.every((task) => task.cancelled()));
    assert.deepEqual([reports, loop.isClosed()], [[], true]);
  });

  inFlavour("run closes the async generators that main leaves behind", async () => {
    const log: string[] = [];
    const numbers = asyncGenerator(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await sleep(1);
        log.push("closed");
      }
    });
    const main = body(function* () {
      log.push(`got ${(yield* on(numbers().next())).value}`);
    });
    await run(main, onVirtualClock().options);
    assert.deepEqual(log, ["got 1", "closed"]);
  });

  inFlavour("a signal that aborts cancels the main task, of run and of a runner", async () => {
    const log: string[] = [];
    const main = (controller: AbortController) =>
      body(function* () {
        getRunningLoop().callLater(1, () => controller.abort(new Error("enough")));
        try {
          yield* on(sleep(10));
        } finally {
          log.push(`cancelled at ${getRunningLoop().time()}`);
        }
      });
    const first = new AbortController();
    await assert.rejects(run(main(first), { ...onVirtualClock().options, signal: first.signal }), {
      name: "CancelledError",
      message: "enough",
    });
    const second = new AbortController();
    await using runner = new Runner(onVirtualClock().options);
    await assert.rejects(runner.run(main(second), { signal: second.signal }), CancelledError);
    assert.equal(await runner.run(sleep(0, "runs again")), "runs again");
    assert.deepEqual(log, ["cancelled at 1", "cancelled at 1"]);
  });

  inFlavour("a main whose signal has aborted does not begin", async () => {
    const main = body(function* () {
      assert.fail("it began");
    });
    const options = { ...onVirtualClock().options, signal: AbortSignal.abort() };
    await assert.rejects(run(main, options), CancelledError);
  });
}

test("what is no AbortSignal is refused, and nothing is left behind", async () => {
  const { options, reports } = onVirtualClock();
  const signal = "none" as unknown as AbortSignal;
  const runner = new Runner(options);
  await assert.rejects(
    runner.run(async () => {}, { signal }),
    TypeError,
  );
  await runner.run(sleep(0));
  await runner.close();
  assert.deepEqual(reports, []);
  await assert.rejects(
    run(async () => {}, { signal }),
    TypeError,
  );
});

test("run takes a coroutine, and refuses a promise with a hint", async () => {
  assert.equal(await run(sleep(0, "slept"), onVirtualClock().options), "slept");
  // @ts-expect-error a promise is under way already
  await assert.rejects(run(Promise.resolve(1), onVirtualClock().options), /TypeError: .*Pass the function/);
});

test("run cannot be called while a loop runs", async () => {
  await run(async () => {
    await assert.rejects(
      run(async () => {}),
      RuntimeError,
    );
  }, onVirtualClock().options);
});

test("run turns debug mode on", async () => {
  const debug = await run(async () => getRunningLoop().getDebug(), {
    ...onVirtualClock().options,
    debug: true,
  });
  assert.equal(debug, true);
});

test("runs can follow one another", async () => {
  for (const n of [1, 2]) assert.equal(await run(async () => sleep(0, n)), n);
});

test("a runner runs several times in one loop and one context", async () => {
  const { loop, options } = onVirtualClock();
  const variable = new ContextVar("variable", { defaultValue: 0 });
  await using runner = new Runner(options);
  const count = async () => {
    variable.set(variable.get() + 1);
    return [getRunningLoop<BaseEventLoop>(), variable.get()];
  };
  assert.deepEqual(await runner.run(count), [loop, 1]);
  assert.deepEqual(await runner.run(count), [loop, 2]);
  assert.deepEqual(await runner.run(count, { context: new Context() }), [loop, 1]);
  assert.equal(variable.get(), 0, "outside of the runner nothing was set");
  assert.equal(runner.getLoop(), loop);
});

test("a runner makes its loop when it is first needed, and cleans up when it is closed", async () => {
  const { loop, options } = onVirtualClock();
  let made = 0;
  const runner = new Runner({
    loopFactory() {
      made++;
      return options.loopFactory();
    },
  });
  assert.equal(String(runner), "<Runner created>");
  assert.equal(made, 0);
  const { left } = await runner.run(async () => ({ left: createTask(sleep(100)) }));
  assert.equal(made, 1);
  assert.equal(left.done(), false);
  await runner.close();
  await runner.close();
  assert.ok(left.cancelled() && loop.isClosed());
  assert.equal(inspect(runner), "<Runner closed>");
});

test("a closed runner cannot be used, and one that never ran closes without a loop", async () => {
  const runner = new Runner({ loopFactory: () => assert.fail("a loop was made") });
  await runner.close();
  const used = new Runner(onVirtualClock().options);
  await used.run(sleep(0));
  await used.close();
  await assert.rejects(used.run(sleep(0)), { name: "RuntimeError", message: "Runner is closed" });
  assert.throws(() => used.getLoop(), RuntimeError);
});
