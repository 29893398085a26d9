import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import {
  asyncGenerator,
  BaseEventLoop,
  Context,
  ContextVar,
  createTask,
  type ExceptionContext,
  getRunningLoop,
  Runner,
  RuntimeError,
  run,
  sleep,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { flavours } from "../flavours.ts";

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
}

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
  assert.equal(String(runner), "<Runner closed>");
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

const PROGRAM = (body: string) => `
  import { run, sleep, KeyboardInterrupt } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
  try {
    await run(async () => {
      try {
        console.log("running");
        await sleep(3600);
      } finally {
        ${body}
      }
    });
  } catch (error) {
    console.log(error instanceof KeyboardInterrupt ? "interrupted" : String(error));
  }
`;

/** Start the program, and have `react` called with each line that it prints. */
async function runProgram(source: string, react: (line: string, child: ChildProcess) => void) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  for await (const chunk of child.stdout) {
    for (const line of String(chunk).trim().split("\n")) {
      lines.push(line);
      react(line, child);
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return { lines, code: child.exitCode };
}

test("the first Ctrl-C cancels the main task, which cleans up, and run ends with KeyboardInterrupt", async () => {
  const program = PROGRAM('await sleep(0.01); console.log("cleaned up");');
  const { lines, code } = await runProgram(program, (line, child) => {
    if (line === "running") child.kill("SIGINT");
  });
  assert.deepEqual(lines, ["running", "cleaned up", "interrupted"]);
  assert.equal(code, 0);
});

test("a second Ctrl-C ends the process with 130", async () => {
  const program = PROGRAM('console.log("cleaning up"); await sleep(3600);');
  const { lines, code } = await runProgram(program, (line, child) => {
    if (line === "running" || line === "cleaning up") child.kill("SIGINT");
  });
  assert.deepEqual(lines, ["running", "cleaning up"]);
  assert.equal(code, 130);
});

test("a main that catches the cancellation of Ctrl-C and returns is not interrupted", async () => {
  const program = PROGRAM("").replace(
    "await sleep(3600)",
    'await sleep(3600).catch(() => console.log("caught"))',
  );
  const { lines } = await runProgram(program, (line, child) => {
    if (line === "running") child.kill("SIGINT");
  });
  assert.deepEqual(lines, ["running", "caught"]);
});

test("a program that handles SIGINT itself is left alone", async () => {
  const program = `process.on("SIGINT", () => { console.log("mine"); process.exit(3); });${PROGRAM("")}`;
  const { lines, code } = await runProgram(program, (line, child) => {
    if (line === "running") child.kill("SIGINT");
  });
  assert.deepEqual(lines, ["running", "mine"]);
  assert.equal(code, 3);
});
