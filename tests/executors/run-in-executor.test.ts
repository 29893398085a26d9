import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { promisify } from "node:util";
import {
  BaseEventLoop,
  CancelledError,
  ConcurrentFuture,
  createTask,
  EventLoop,
  getRunningLoop,
  newEventLoop,
  ProcessPoolExecutor,
  RuntimeError,
  run,
  sleep,
  ThreadPoolExecutor,
  toThread,
  wait,
} from "../../src/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { inEachBackend } from "../io/backends.ts";
import { children, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

const twice = (n: number) => 2 * n;

inEachBackend("runInExecutor gives a future at once, of the default pool's thread", async ({ loop }) => {
  const future = loop.runInExecutor(null, twice, 21);
  assert.equal(future.getLoop(), loop);
  assert.equal(future.done(), false);
  assert.equal(await future, 42);
  const name = async () => (await import("node:worker_threads")).threadName;
  assert.match((await loop.runInExecutor(null, name)) ?? "", /^asyncio_\d$/);
  await loop.shutdownDefaultExecutor();
});

inEachBackend("runInExecutor takes any pool, and whatever has submit", async ({ loop }) => {
  await using processes = new ProcessPoolExecutor({ maxWorkers: 1 });
  assert.notEqual((await loop.runInExecutor(processes, job("where"))).pid, process.pid);
  const inline = {
    submit(work: unknown, ...args: unknown[]) {
      const future = new ConcurrentFuture<never>();
      future.setResult((work as (...args: unknown[]) => never)(...args));
      return future;
    },
  };
  assert.equal(await loop.runInExecutor(inline, twice, 4), 8);
  const promising = {
    submit: async (work: unknown, ...args: unknown[]) => (work as (...args: unknown[]) => never)(...args),
  };
  assert.equal(await loop.runInExecutor(promising, twice, 5), 10);
  assert.throws(() => loop.runInExecutor({ submit: () => 5 } as never, twice, 5), TypeError);
  assert.throws(() => loop.runInExecutor({} as never, twice, 5), TypeError);
});

inEachBackend("an error of the work is that of the future", async ({ loop }) => {
  await assert.rejects(Promise.resolve(loop.runInExecutor(null, job("fail"), 1)), { name: "JobError" });
  await loop.shutdownDefaultExecutor();
});

inEachBackend(
  "cancelling the future drops work that has not begun, and tells work that has",
  async ({ loop }) => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const first = pool.submit(job("untilThrown"));
    const wrapped = loop.runInExecutor({ submit: () => first } as never, twice, 0);
    const queued = pool.submit(twice, 1);
    const follower = loop.runInExecutor({ submit: () => queued } as never, twice, 0);
    follower.cancel();
    await until(() => queued.cancelled() && first.running());
    wrapped.cancel();
    await until(() => first.done());
    assert.equal(first.cancelled(), true);
  },
);

inEachBackend(
  "after the shutdown of the default executor, work without an executor is refused",
  async ({ loop }) => {
    const future = loop.runInExecutor(null, twice, 1);
    await loop.shutdownDefaultExecutor();
    assert.throws(() => loop.runInExecutor(null, twice, 1), {
      name: "RuntimeError",
      message: "Executor shutdown has been called",
    });
    assert.equal(await future, 2);
  },
);

inEachBackend(
  "a default executor must be a pool of threads, and the one before is left alone",
  async ({ loop }) => {
    assert.throws(() => loop.setDefaultExecutor(new ProcessPoolExecutor() as never), TypeError);
    assert.throws(() => loop.setDefaultExecutor(null as never), TypeError);
    await using before = new ThreadPoolExecutor({ maxWorkers: 1 });
    loop.setDefaultExecutor(before);
    loop.setDefaultExecutor(new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "mine" }));
    const name = async () => (await import("node:worker_threads")).threadName;
    assert.equal(await loop.runInExecutor(null, name), "mine_0");
    await loop.shutdownDefaultExecutor();
    assert.equal(await before.submit(twice, 2), 4);
  },
);

inEachBackend("a shutdown that takes too long warns, and names the job", async ({ loop }) => {
  const warnings: Error[] = [];
  const keep = (warning: Error) => warnings.push(warning);
  process.on("warning", keep);
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  loop.setDefaultExecutor(pool);
  const stuck = pool.with({ terminate: 0 }).submit(job("spin"));
  await until(() => stuck.running());
  await loop.shutdownDefaultExecutor(0.01);
  stuck.cancel();
  await pool.shutdown();
  await until(() => warnings.length > 0);
  process.off("warning", keep);
  assert.equal(warnings[0]!.name, "RuntimeWarning");
  assert.match(warnings[0]!.message, /within 0\.01 seconds: spin\(\), which has been running/);
});

test("a timeout for the shutdown that is none is refused at the call", () => {
  const loop = newEventLoop();
  assert.throws(() => loop.shutdownDefaultExecutor("1" as never), TypeError);
  assert.throws(() => loop.shutdownDefaultExecutor(Number.NaN), { name: "ValueError" });
  loop.close();
});

test("a closed loop carries out nothing", () => {
  const loop = new EventLoop();
  loop.close();
  assert.throws(() => loop.runInExecutor(null, twice, 1), { message: "Event loop is closed" });
});

test("run waits for what the default executor does", async () => {
  let done = false;
  await run(async () => {
    getRunningLoop()
      .runInExecutor(null, job("slowDouble"), 1)
      .addDoneCallback(() => {});
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    getRunningLoop().setDefaultExecutor(pool);
    const future = pool.submit(job("slowDouble"), 1);
    future.addDoneCallback(() => {
      done = true;
    });
  });
  assert.equal(done, true);
});

test("the end of run waits for the default executor as long as CPython does, then warns", async () => {
  const limits: unknown[] = [];
  class ImpatientLoop extends EventLoop {
    override shutdownDefaultExecutor(timeout: number | null = null) {
      limits.push(timeout);
      return super.shutdownDefaultExecutor(0.01);
    }
  }
  const warning = once(process, "warning");
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const stuck = pool.with({ terminate: 0 }).submit(job("spin"));
  await run(
    async () => {
      getRunningLoop<ImpatientLoop>().setDefaultExecutor(pool);
      await until(() => stuck.running());
    },
    { loopFactory: () => new ImpatientLoop() },
  );
  assert.deepEqual(limits, [300]);
  const [{ name, message }] = await warning;
  assert.equal(name, "RuntimeWarning");
  assert.match(message, /did not finish joining its threads within 0\.01 seconds: spin\(\), which/);
  assert.equal(stuck.running(), true);
  stuck.cancel();
  await pool.shutdown();
});

inEachBackend(
  "a wait for the shutdown that is cancelled is cancelled, and warns of nothing",
  async ({ loop }) => {
    const warnings: Error[] = [];
    const keep = (warning: Error) => warnings.push(warning);
    process.on("warning", keep);
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    loop.setDefaultExecutor(pool);
    const busy = pool.submit(job("untilThrown"));
    const ending = createTask(loop.shutdownDefaultExecutor());
    await sleep(0);
    ending.cancel();
    await assert.rejects(Promise.resolve(ending), CancelledError);
    assert.throws(() => pool.submit(twice, 1), RuntimeError);
    await until(() => busy.running());
    busy.cancel();
    await pool.shutdown();
    process.off("warning", keep);
    assert.deepEqual(warnings, []);
  },
);

test("closing a loop shuts its default executor down, without waiting", async () => {
  const loop = new EventLoop();
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  loop.setDefaultExecutor(pool);
  const last = pool.submit(twice, 4);
  loop.close();
  assert.throws(() => pool.submit(twice, 1), RuntimeError);
  assert.equal(await last, 8);
  await pool.shutdown();
});

test("nobody waits for the shutdown that closing a loop begins", async (t) => {
  using log = new CapturedLog();
  const loop = new EventLoop();
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  loop.setDefaultExecutor(pool);
  const busy = pool.submit(job("untilThrown"));
  await until(() => busy.running());
  t.mock.timers.enable({ apis: ["setTimeout"] });
  loop.close();
  t.mock.timers.tick(60_000);
  t.mock.timers.reset();
  assert.deepEqual(log.of("warn"), []);
  busy.cancel();
  await pool.shutdown();
});

test("ten thousand tasks in toThread, half of them cancelled, all end as they should", async () => {
  await run(async () => {
    const tasks = Array.from({ length: 10_000 }, (_, n) => createTask(toThread(job("add"), n, 1)));
    await sleep(0);
    for (let n = 0; n < tasks.length; n += 2) tasks[n]!.cancel();
    await wait(tasks);
    assert.ok(tasks.every((task, n) => (n % 2 === 0 ? task.cancelled() : task.result() === n + 1)));
  });
});

test("toThread is a coroutine: nothing begins before it is awaited", async () => {
  await run(async () => {
    const coroutine = toThread(job("add"), 1, 2);
    assert.equal(coroutine.unstarted, true);
    assert.equal(await coroutine, 3);
    const outer = 1;
    assert.throws(() => toThread(() => outer), { name: "ValueError" });
    await assert.rejects(Promise.resolve(toThread(job("fail"), 3)), { name: "JobError" });
  });
});

test("toThread needs a loop with executors", async () => {
  const loop = new BaseEventLoop(new VirtualClock());
  await assert.rejects(
    loop.runUntilComplete(() => toThread(twice, 1)),
    { name: "NotImplementedError" },
  );
  await loop.runUntilComplete(loop.shutdownDefaultExecutor());
  loop.close();
});

test("a loop that is closed lets its default executor go", async () => {
  const source = `
    import { newEventLoop } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const loop = newEventLoop();
    await loop.runUntilComplete(async () => console.log(await loop.runInExecutor(null, (n) => 2 * n, 4)));
    loop.close();
  `;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    source,
  ]);
  assert.deepEqual([stdout, stderr], ["8\n", ""]);
});
