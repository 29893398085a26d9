import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, test } from "node:test";
import { Job } from "../../src/executors/job.ts";
import { portable } from "../../src/executors/work.ts";
import { CancelledError, run, sleep, timeout } from "../../src/index.ts";
import { children, inEachPool, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool("a job that runs gets a signal when it is cancelled, and can go on", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  assert.equal(await pool.submit(job("untilAborted"), true), "warm");
  const future = pool.submit(job("untilAborted"));
  await until(() => future.running());
  assert.equal(future.cancel(), false);
  assert.equal(future.cancelled(), false);
  assert.equal(await future, "heard CancelledError");
});

inEachPool("this.signal of a function is the job's signal, too", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const listen = async function (this: { signal: AbortSignal }, warmUp: boolean) {
    if (warmUp) return false;
    await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
    return this.signal.aborted;
  };
  await pool.submit(listen, true);
  const future = pool.submit(listen, false);
  await until(() => future.running());
  future.cancel();
  assert.equal(await future, true);
});

inEachPool(
  "a job that throws what its signal says is cancelled, coroutines in their loop included",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 2 });
    for (const name of ["untilThrown", "sleepForEver"] as const) {
      const future = pool.submit(job(name));
      await until(() => future.running());
      future.cancel();
      await assert.rejects(Promise.resolve(future), CancelledError);
      assert.equal(future.cancelled(), true);
    }
  },
);

inEachPool(
  "with terminate, the worker of a job that does not heed is ended, and no other job",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 2 });
    const other = pool.submit(job("untilAborted"), true);
    await other;
    // A worker that knows the function begins at once: an abort cannot come before that.
    await Promise.all([pool.submit(job("spinFor"), 50), pool.submit(job("spinFor"), 50)]);
    const innocent = pool.submit(job("untilAborted"));
    const stubborn = pool.with({ terminate: 0.01 }).submit(job("spinFor"), 1e9);
    const next = pool.submit(job("add"), 1, 2);
    await until(() => stubborn.running());
    assert.equal(stubborn.cancel(), false);
    await assert.rejects(Promise.resolve(stubborn), CancelledError);
    assert.equal(stubborn.cancelled(), true);
    assert.equal(await next, 3);
    assert.equal(innocent.running(), true);
    innocent.cancel();
    assert.equal(await innocent, "heard CancelledError");
  },
);

inEachPool("with terminate, a job that heeds its signal in time keeps its worker", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  await pool.submit(job("untilAborted"), true);
  const before = await pool.submit(job("where"));
  const future = pool.with({ terminate: 30 }).submit(job("untilAborted"));
  future.cancel();
  assert.equal(await future, "heard CancelledError");
  assert.deepEqual(await pool.submit(job("where")), before);
});

inEachPool("a signal can cancel jobs", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const controller = new AbortController();
  const view = pool.with({ signal: controller.signal });
  const running = view.submit(job("untilThrown"));
  await until(() => running.running());
  const queued = view.submit(job("spin"));
  controller.abort();
  assert.equal(queued.cancelled(), true);
  await assert.rejects(Promise.resolve(running), CancelledError);
  assert.equal(view.submit(job("spin")).cancelled(), true);
});

inEachPool("cancelling a task that waits for a job cancels the job", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  await run(async () => {
    const future = pool.submit(job("untilThrown"));
    while (!future.running()) await sleep(0.005);
    await assert.rejects(
      timeout(0.01, () => future),
      { name: "TimeoutError" },
    );
    await until(() => future.done());
    assert.equal(future.cancelled(), true);
  });
});

inEachPool(
  "a loop of its own in a job, asleep in its native backend, can be ended from outside",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const library = new URL("../../src/index.ts", import.meta.url).href;
    const forEver = async (index: string, warmUp: boolean) => {
      const { run, startServer, sleep: pause } = await import(index);
      if (warmUp) return;
      await run(async () => {
        await startServer(() => {}, "127.0.0.1", 0);
        await pause(1000);
      });
    };
    await pool.submit(forEver, library, true);
    const future = pool.with({ terminate: 0.05 }).submit(forEver, library, false);
    await until(() => future.running());
    future.cancel();
    await assert.rejects(Promise.resolve(future), CancelledError);
    assert.equal(await pool.submit(job("add"), 1, 2), 3);
  },
);

inEachPool("terminate may be more than any timer can wait for", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  await pool.submit(job("spinFor"), 0);
  const before = await pool.submit(job("where"));
  for (const terminate of [Number.POSITIVE_INFINITY, 1e9]) {
    const future = pool.with({ terminate }).submit(job("spinFor"), 100);
    await until(() => future.running());
    future.cancel();
    assert.equal(await future, 100);
  }
  assert.deepEqual(await pool.submit(job("where")), before);
});

inEachPool(
  "only a job that somebody cancelled is cancelled, and only if it ends by that",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const library = new URL("../../src/index.ts", import.meta.url).href;
    const throwCancelled = async (index: string) => {
      const { CancelledError: Cancelled } = await import(index);
      throw new Cancelled();
    };
    const unasked = pool.submit(throwCancelled, library);
    await assert.rejects(Promise.resolve(unasked), CancelledError);
    assert.equal(unasked.cancelled(), false);
    const failing = async function (this: { signal: AbortSignal }, warmUp: boolean) {
      if (warmUp) return;
      await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
      throw new RangeError("in the clean-up");
    };
    await pool.submit(failing, true);
    const asked = pool.submit(failing, false);
    await until(() => asked.running());
    asked.cancel();
    asked.cancel();
    await assert.rejects(Promise.resolve(asked), RangeError);
    assert.equal(asked.cancelled(), false);
  },
);

test("a job that is done keeps neither its arguments nor its place at the signal", () => {
  const { signal } = new AbortController();
  const done = new Job(
    portable(() => {}),
    ["large"],
    false,
    { signal },
  );
  assert.equal(getEventListeners(signal, "abort").length, 1);
  assert.deepEqual(done.values, ["large"]);
  done.begin({ abort: () => {}, end: () => {} });
  done.succeeded(1);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  assert.deepEqual(done.values, []);
});

test("however often a job is cancelled, it is told once", () => {
  const told: number[] = [];
  const one = new Job(
    portable(() => {}),
    [],
    false,
    {},
  );
  one.begin({ abort: (id) => told.push(id), end: () => assert.fail() });
  for (let n = 0; n < 3; n++) assert.equal(one.future.cancel(), false);
  assert.deepEqual(told, [one.id]);
});
