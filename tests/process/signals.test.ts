import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { EventLoop, NotImplementedError, RuntimeError, ValueError } from "../../src/index.ts";
import { MAIN, PRELUDE, runProgram } from "../concurrency/processes.ts";
import { inPython, notThere } from "./python.ts";
import { inEachWorld, until } from "./support.ts";

inEachWorld(
  "a handler is called in the loop's turn, with its arguments, for each signal",
  function* ({ on, loop }) {
    const calls: unknown[] = [];
    loop.addSignalHandler(
      "SIGWINCH",
      (...args: unknown[]) => calls.push([loop.isRunning(), ...args]),
      1,
      "two",
    );
    process.kill(process.pid, "SIGWINCH");
    yield* until(on, () => calls.length === 1);
    process.kill(process.pid, "SIGWINCH");
    yield* until(on, () => calls.length === 2);
    assert.deepEqual(calls[0], [true, 1, "two"]);
    assert.equal(process.listenerCount("SIGWINCH"), 1);
    assert.equal(loop.removeSignalHandler("SIGWINCH"), true);
    assert.equal(loop.removeSignalHandler("SIGWINCH"), false);
    assert.equal(process.listenerCount("SIGWINCH"), 0);
  },
);

inEachWorld("a handler replaces the one before it, by number or name", function* ({ on, loop }) {
  const calls: string[] = [];
  loop.addSignalHandler("SIGWINCH", () => calls.push("first"));
  loop.addSignalHandler(28, () => calls.push("second"));
  assert.equal(process.listenerCount("SIGWINCH"), 1);
  process.kill(process.pid, "SIGWINCH");
  yield* until(on, () => calls.length > 0);
  assert.deepEqual(calls, ["second"]);
  assert.equal(loop.removeSignalHandler(28), true);
});

inEachWorld("a signal of two names is one signal", function* ({ loop }) {
  loop.addSignalHandler("SIGPOLL", () => {});
  assert.equal(loop.removeSignalHandler("SIGIO"), true);
  assert.equal(process.listenerCount("SIGPOLL") + process.listenerCount("SIGIO"), 0);
});

inEachWorld("a handler can replace and remove itself while it runs", function* ({ on, loop }) {
  const calls: string[] = [];
  loop.addSignalHandler("SIGWINCH", () => {
    calls.push("first");
    loop.addSignalHandler("SIGWINCH", () => {
      calls.push("second");
      loop.removeSignalHandler("SIGWINCH");
    });
  });
  for (const count of [1, 2]) {
    process.kill(process.pid, "SIGWINCH");
    yield* until(on, () => calls.length === count);
  }
  assert.deepEqual(calls, ["first", "second"]);
  assert.equal(process.listenerCount("SIGWINCH"), 0);
});

inEachWorld("of many signals at once each kind is handled", function* ({ on, loop }) {
  const signals = ["SIGWINCH", "SIGALRM", "SIGHUP", "SIGTERM"] as const;
  const seen = new Set<string>();
  for (const signal of signals) loop.addSignalHandler(signal, (name: string) => seen.add(name), signal);
  for (let i = 0; i < 100; i++) for (const signal of signals) process.kill(process.pid, signal);
  yield* until(on, () => seen.size === signals.length);
  for (const signal of signals) loop.removeSignalHandler(signal);
});

inEachWorld("an error of a handler is reported", function* ({ on, loop, reports }) {
  loop.addSignalHandler("SIGWINCH", () => {
    throw new RuntimeError("mine");
  });
  process.kill(process.pid, "SIGWINCH");
  yield* until(on, () => reports.length > 0);
  assert.equal((reports.pop()!.exception as Error).message, "mine");
  loop.removeSignalHandler("SIGWINCH");
});

test("handlers go with their loop", () => {
  const loop = new EventLoop({ backend: "portable" });
  loop.addSignalHandler("SIGWINCH", () => {});
  loop.addSignalHandler("SIGHUP", () => {});
  loop.close();
  assert.equal(process.listenerCount("SIGWINCH") + process.listenerCount("SIGHUP"), 0);
  assert.throws(() => loop.addSignalHandler("SIGWINCH", () => {}), RuntimeError);
  assert.equal(loop.removeSignalHandler("SIGWINCH"), false);
});

test("what cannot be handled is refused", () => {
  using loop = new EventLoop({ backend: "portable" });
  const nothing = () => {};
  assert.throws(() => loop.addSignalHandler("SIGKILL", nothing), RuntimeError);
  assert.throws(() => loop.addSignalHandler(19, nothing), RuntimeError);
  for (const number of [-1, 0, 32, 33, 65, 2 ** 31]) {
    assert.throws(() => loop.addSignalHandler(number, nothing), ValueError, String(number));
    assert.throws(() => loop.removeSignalHandler(number), ValueError, String(number));
  }
  assert.throws(() => loop.addSignalHandler("SIGNONE" as "SIGINT", nothing), ValueError);
  assert.throws(() => loop.addSignalHandler("TERM" as "SIGTERM", nothing), ValueError);
  for (const number of [34, 40, 64]) {
    assert.throws(() => loop.addSignalHandler(number, nothing), NotImplementedError, String(number));
  }
  for (const value of [null, 1.5, NaN, true]) {
    assert.throws(() => loop.addSignalHandler(value as number, nothing), TypeError, String(value));
  }
  assert.throws(() => loop.addSignalHandler("SIGHUP", async () => {}), TypeError);
  assert.throws(() => loop.addSignalHandler("SIGHUP", function* () {}), TypeError);
  assert.throws(() => loop.addSignalHandler("SIGHUP", 5 as unknown as () => void), TypeError);
  assert.equal(loop.removeSignalHandler("SIGKILL"), false);
  assert.equal(process.listenerCount("SIGHUP"), 0);
});

test("what is refused is refused as under CPython", { skip: notThere }, () => {
  const cases = [-1, 0, 1, 9, 15, 19, 32, 33, 65, 1000, 2 ** 31, 1.5, null, []];
  using loop = new EventLoop({ backend: "portable" });
  const ours = cases.map((sig) => [
    outcome(() => loop.addSignalHandler(sig as number, () => {}) ?? null),
    outcome(() => loop.removeSignalHandler(sig as number)),
    outcome(() => loop.removeSignalHandler(sig as number)),
  ]);
  assert.deepEqual(ours, inPython(REFUSED, cases));
});

function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Error).name;
  }
}

const REFUSED = `
import asyncio

def outcome(call, *args):
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__

async def one(sig):
    loop = asyncio.get_running_loop()
    added = outcome(loop.add_signal_handler, sig, print)
    return [added] + [outcome(loop.remove_signal_handler, sig) for _ in range(2)]
`;

test("in a worker there are no signals to handle", async () => {
  const index = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);
  const program = `
    const { EventLoop } = await import(${index});
    const { parentPort } = await import("node:worker_threads");
    try { new EventLoop({ backend: "portable" }).addSignalHandler("SIGHUP", () => {}); }
    catch (error) { parentPort.postMessage(error.name); }`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  assert.deepEqual(await once(worker, "message"), ["RuntimeError"]);
  await worker.terminate();
});

const LOOP = `import { getRunningLoop } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};`;
const HANDLE = `getRunningLoop().addSignalHandler("SIGINT", () => { console.log("handled"); });`;

test("a handler for SIGINT takes the place of run's own, for as long as it is there", async () => {
  const main = `async () => {
    const loop = getRunningLoop();
    loop.addSignalHandler("SIGINT", () => {
      console.log("handled");
      loop.removeSignalHandler("SIGINT");
      console.log("again");
    });
    await (${MAIN('console.log("cleaned up");')})();
  }`;
  const program = `${PRELUDE}${LOOP} await run(${main}).catch(show);`;
  const { lines, code } = await runProgram(program, { running: "SIGINT", again: "SIGINT" });
  assert.deepEqual(lines, ["running", "handled", "again", "cleaned up", "KeyboardInterrupt"]);
  assert.equal(code, 0);
});

test("a handler that is removed leaves the signal to the system", async () => {
  const program = `${PRELUDE}${LOOP} await run(async () => {
    const loop = getRunningLoop();
    loop.addSignalHandler("SIGTERM", () => {
      loop.removeSignalHandler("SIGTERM");
      console.log("again");
    });
    console.log("running");
    await sleep(3600);
  });`;
  const { lines, killedBy } = await runProgram(program, { running: "SIGTERM", again: "SIGTERM" });
  assert.deepEqual(lines, ["running", "again"]);
  assert.equal(killedBy, "SIGTERM");
});

test("a handler that stays keeps Ctrl-C from interrupting, also in the next run", async () => {
  const program = `${PRELUDE}${LOOP}
    const runner = new Runner();
    await runner.run(async () => { ${HANDLE} });
    await runner.run(async () => {
      const done = new Promise((resolve) => getRunningLoop().addSignalHandler("SIGINT", resolve));
      console.log("running");
      await done;
      console.log("handled");
    }).catch(show);
    await runner.close();
    console.log(process.listenerCount("SIGINT"));`;
  const { lines } = await runProgram(program, { running: "SIGINT" });
  assert.deepEqual(lines, ["running", "handled", "0"]);
});
