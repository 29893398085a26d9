import assert from "node:assert/strict";
import { once } from "node:events";
import { beforeEach, type TestOptions, test } from "node:test";
import {
  allTasks,
  currentTask,
  type LoopAddress,
  RemoteLoop,
  RuntimeError,
  runCoroutineThreadsafe,
  wait,
  work,
} from "../../src/index.ts";
import { backends, failure, inEachBackend } from "../io/backends.ts";
import { seen } from "./functions.ts";
import { type CallerThread, inThread, named, openFiles } from "./support.ts";

const PATIENT: TestOptions = { timeout: 60_000 };

beforeEach(() => {
  seen.length = 0;
});

/** Let the loop go on until this has happened. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate);
}

/** End what others have begun here. */
async function cancelOthers(): Promise<void> {
  const others = [...allTasks()].filter((task) => task !== currentTask());
  for (const task of others) task.cancel();
  await wait(others);
}

async function addressIn(thread: CallerThread<unknown>): Promise<LoopAddress> {
  const [address] = await once(thread.worker, "message");
  return address as LoopAddress;
}

inEachBackend("a thread waits, blocked, for what a loop in another thread gives", async ({ loop }) => {
  const results = await inThread("blocking", loop.threadsafe()).result;
  assert.deepEqual(results, [2, 4, { threadId: 0, inLoop: true }, "ab", null]);
});

inEachBackend("a thread awaits, without a loop, what a loop in another thread gives", async ({ loop }) => {
  assert.equal(await inThread("awaited", loop.threadsafe()).result, 8);
});

inEachBackend("a thread waits in its own loop for a loop in another thread", async ({ loop, backend }) => {
  const outcome = await inThread("fromOwnLoop", loop.threadsafe(), backend).result;
  assert.deepEqual(outcome, [[2, 4, 6], "TimeoutError", true]);
  await until(() => seen.includes("timed out CancelledError"));
});

inEachBackend("an error comes with its class, properties, cause and stack", async ({ loop }) => {
  const [isOne, message, query, cause, stack] = (await inThread("failing", loop.threadsafe())
    .result) as unknown[];
  assert.deepEqual(
    [isOne, message, query, cause],
    [true, "no answer to why", { text: "why" }, "ValueError: the cause"],
  );
  assert.match(String(stack), /functions\.ts/);
});

inEachBackend("what cannot be sent, or is not there, says so", async ({ loop }) => {
  const [argument, result, missing, variable, cancelled] = await inThread("refused", loop.threadsafe())
    .result;
  assert.match(argument!, /^TypeError: the arguments of note\(\) cannot be sent: .*could not be cloned/);
  assert.match(
    result!,
    /^TypeError: the result of giveFunction\(\) cannot be sent back: .*could not be cloned/,
  );
  assert.match(missing!, /^TypeError: a function, or work\(\) that names one, was expected/);
  assert.match(variable!, /^ValueError: .* uses local of its surroundings/);
  assert.match(cancelled!, /^CancelledError/);
});

inEachBackend("what would be lost on the way is not sent", async ({ loop }) => {
  const [argument, result] = await inThread("withSignal", loop.threadsafe()).result;
  const why = "an object of the class AbortSignal cannot be copied: nothing of it would be left";
  assert.equal(argument, `TypeError: the arguments of note() cannot be sent: ${why}`);
  assert.equal(result, `TypeError: the result of giveSignal() cannot be sent back: ${why}`);
});

inEachBackend(
  "a result that does not come in time is a TimeoutError, and can be cancelled",
  async ({ loop }) => {
    const outcome = await inThread("impatient", loop.threadsafe()).result;
    assert.deepEqual(outcome, ["TimeoutError: <RemoteFuture pending> is not done", "true", "true", "true"]);
    assert.deepEqual(seen, ["begun impatient", "impatient CancelledError"]);
  },
);

inEachBackend(
  "10,000 calls of each of four threads at once are all made, in the order of each thread",
  async ({ loop }) => {
    const COUNT = 10_000;
    const threads = [0, 1, 2, 3].map((who) => inThread("storm", loop.threadsafe(), who, COUNT));
    for (const { result } of threads) await result;
    await until(() => seen.length === threads.length * COUNT);
    const of = (who: number) => (seen as [number, number][]).filter(([one]) => one === who).map(([, n]) => n);
    const all = Array.from({ length: COUNT }, (_, n) => n);
    for (const who of threads.keys()) assert.deepEqual(of(who), all);
  },
  PATIENT,
);

let modules = 0;

inEachBackend("calls keep their order while a module is being loaded for one of them", async ({ loop }) => {
  const second = () => seen.push("second");
  using remote = new RemoteLoop(loop.threadsafe());
  Object.assign(globalThis, { seenByModules: seen });
  const source = `await new Promise(setImmediate); export function first() { globalThis.seenByModules.push("first"); } // ${modules++}`;
  remote.callSoonThreadsafe(work<() => void>(`data:text/javascript,${encodeURIComponent(source)}`, "first"));
  remote.callSoonThreadsafe(work(import.meta, second));
  await until(() => seen.length === 2);
  assert.deepEqual(seen, ["first", "second"]);
});

inEachBackend("an address can be passed on to further threads", async ({ loop }) => {
  const results = (await inThread("passOn", loop.threadsafe()).result) as unknown[];
  assert.deepEqual(results.slice(0, 2), [2, 4]);
});

inEachBackend("the main thread reaches a loop in a worker, and must not block", async ({ backend }) => {
  const thread = inThread("host", backend);
  using remote = new RemoteLoop(await addressIn(thread));
  const future = runCoroutineThreadsafe(named("where"), remote);
  assert.throws(() => future.result(), {
    name: "RuntimeError",
    message: /main thread must not block: await it/,
  });
  assert.deepEqual(await future, { threadId: thread.worker.threadId, inLoop: true });
  assert.deepEqual(future.result(), { threadId: thread.worker.threadId, inLoop: true });
  thread.worker.postMessage("enough");
  assert.equal(await thread.result, "enough");
});

inEachBackend("a callback that is cancelled before its turn is not called", async ({ loop }) => {
  using remote = new RemoteLoop(loop.threadsafe());
  await runCoroutineThreadsafe(named("double"), remote, 1);
  remote.callSoonThreadsafe(named("note"), "first");
  const handle = remote.callSoonThreadsafe(named("note"), "second");
  remote.callSoonThreadsafe(named("note"), "third");
  assert.equal(handle.cancelled(), false);
  handle.cancel();
  assert.equal(handle.cancelled(), true);
  await until(() => seen.includes("third"));
  assert.deepEqual(seen, ["first", "third"]);
});

inEachBackend("a call of the loop's own thread must not block it", async ({ loop }) => {
  using remote = new RemoteLoop(loop.threadsafe());
  const future = runCoroutineThreadsafe(named("double"), remote, 1);
  assert.throws(() => future.result(1), RuntimeError);
  assert.equal(await future, 2);
});

inEachBackend("a function that the loop's thread has named itself is not imported", async ({ loop }) => {
  const notExported = (n: number) => n + 1;
  using remote = new RemoteLoop(loop.threadsafe());
  assert.equal(await runCoroutineThreadsafe(work(import.meta, notExported), remote, 1), 2);
});

inEachBackend("what a callback throws is told to the loop's exception handler", async ({ loop, reports }) => {
  using remote = new RemoteLoop(loop.threadsafe());
  const Missing = work<() => void>(new URL("./functions.ts", import.meta.url), "missing");
  remote.callSoonThreadsafe(Missing);
  remote.callSoonThreadsafe(named("fail"), "call");
  await until(() => reports.length === 2);
  const [missing, failed] = reports.splice(0);
  assert.match(missing!.message, /^missing\(\), which another thread wants to be called, cannot be loaded$/);
  assert.match(String(missing!.exception), /^ValueError: .* exports no missing/);
  assert.match(failed!.message, /^Exception in callback fail\(\)$/);
  await assert.rejects(runCoroutineThreadsafe(Missing, remote), /exports no missing/);
});

inEachBackend(
  "closing the connection fails what is pending here, and leaves the loop alone",
  async ({ loop }) => {
    const remote = new RemoteLoop(loop.threadsafe());
    const future = runCoroutineThreadsafe(named("forever"), remote, "left");
    await until(() => seen.includes("begun left"));
    remote.close();
    remote.close();
    const error = await failure(future, RuntimeError);
    assert.equal(error.message, "this connection to the event loop is closed");
    assert.throws(() => remote.callSoonThreadsafe(named("note"), 1), { message: error.message });
    assert.equal(String(remote), "<RemoteLoop thread=0 closed=true>");
    assert.equal(loop.isClosed(), false);
    await cancelOthers();
  },
);

for (const backend of backends) {
  test(`whoever waits for a loop that is closed is told so (${backend.name})`, {
    ...PATIENT,
    skip: backend.skip,
  }, async () => {
    const loop = backend.makeLoop();
    loop.setExceptionHandler(() => {});
    const address = loop.threadsafe();
    const thread = inThread("waiting", address);
    await loop.runUntilComplete(() => until(() => seen.length === 2));
    loop.close();
    const closed = "RuntimeError: Event loop is closed";
    assert.deepEqual(await thread.result, [closed, closed, closed, "true"]);
    assert.throws(() => loop.threadsafe(), { name: "RuntimeError" });
    assert.throws(() => new RemoteLoop(address), { name: "RuntimeError", message: "Event loop is closed" });
    assert.throws(() => loop.callSoonThreadsafe(() => {}), { name: "RuntimeError" });
  });
}

for (const how of ["terminate", "exit"] as const) {
  inEachBackend(
    `whoever waits for a loop whose thread ends is told so (${how})`,
    async ({ backend }) => {
      const thread = inThread("host", backend);
      const address = await addressIn(thread);
      const caller = inThread("waiting", address);
      using remote = new RemoteLoop(address);
      const future = runCoroutineThreadsafe(() => new Promise(() => {}), remote);
      await runCoroutineThreadsafe(
        async (functions: string) => {
          const { seen } = await import(functions);
          while (seen.length < 2) await new Promise(setImmediate);
        },
        remote,
        new URL("./functions.ts", import.meta.url).href,
      );
      if (how === "exit") thread.worker.postMessage("exit");
      else await thread.worker.terminate();
      const ended = "RuntimeError: the thread of the event loop has ended";
      assert.equal(String(await failure(future, RuntimeError)), ended);
      assert.deepEqual(await caller.result, [ended, ended, ended, "true"]);
      await assert.rejects(thread.result, /and gave nothing/);
      const late = new RemoteLoop(address);
      assert.equal(String(await failure(runCoroutineThreadsafe(named("where"), late), RuntimeError)), ended);
    },
    PATIENT,
  );
}

inEachBackend("a thread may be ended while it waits, and the loop goes on", async ({ loop }) => {
  const thread = inThread("waiting", loop.threadsafe());
  await until(() => seen.length === 2);
  await thread.worker.terminate();
  await assert.rejects(thread.result, /gave nothing/);
  assert.equal(await inThread("awaited", loop.threadsafe()).result, 8);
  await cancelOthers();
});

test("an address alone keeps no thread alive", PATIENT, async () => {
  const { id } = await inThread("onlyAddress").result;
  assert.equal(typeof id, "string");
});

inEachBackend("threads that have called leave no descriptor behind", async ({ loop }) => {
  await inThread("awaited", loop.threadsafe()).result;
  const before = openFiles();
  for (let round = 0; round < 3; round++) await inThread("awaited", loop.threadsafe()).result;
  assert.equal(openFiles(), before);
});

test("what is no address is a TypeError", () => {
  for (const wrong of [null, undefined, {}, 1, { threadId: 1 }]) {
    assert.throws(() => new RemoteLoop(wrong as never), {
      name: "TypeError",
      message: /loop\.threadsafe\(\)/,
    });
  }
});
