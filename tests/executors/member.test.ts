import assert from "node:assert/strict";
import { after, test } from "node:test";
import { BrokenExecutor, RuntimeError, ThreadPoolExecutor } from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { children, inEachPool, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

async function errorOf(future: PromiseLike<unknown>): Promise<Error> {
  const error = await future.then(
    () => assert.fail("an error was expected"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error);
  return error;
}

inEachPool("a worker that exits fails its own job, and another takes its place", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const exit = (code: number) => process.exit(code);
  const lost = pool.submit(exit, 3);
  const next = pool.submit(job("add"), 1, 2);
  const error = await errorOf(lost);
  assert.ok(
    error instanceof pools.Broken && error instanceof BrokenExecutor && error instanceof RuntimeError,
  );
  assert.match(error.message, /^worker .*, which carried out exit\(\), exited with code 3$/);
  assert.equal(await next, 3);
});

inEachPool("an error that nobody catches ends the worker, and fails its job", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const stray = async (isProcess: boolean) => {
    const { closeSync } = await import("node:fs");
    // A process would tell of it on the stderr of the tests.
    if (isProcess) closeSync(2);
    setTimeout(() => {
      throw new RangeError("stray");
    }, 1);
    await new Promise(() => setInterval(() => {}, 60_000));
  };
  const error = await errorOf(pool.submit(stray, pools.name === "processes"));
  assert.ok(error instanceof pools.Broken);
  if (pools.name === "threads") {
    assert.match(error.message, /exited with code 1: RangeError: stray$/);
    assert.ok(error.cause instanceof RangeError);
  }
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
});

inEachPool("a worker that runs out of memory fails its job, and is replaced", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1, ...pools.littleMemory });
  const closeStderr = async () => (await import("node:fs")).closeSync(2);
  if (pools.name === "processes") await pool.submit(closeStderr);
  const error = await errorOf(pool.submit(job("hoard")));
  assert.ok(error instanceof pools.Broken);
  assert.match(error.message, pools.name === "threads" ? /memory/i : /was ended by SIG|exited with code/);
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
});

inEachPool("a process that is killed fails its job, and says by which signal", async (pools) => {
  if (pools.name === "threads") return;
  await using pool = pools.make({ maxWorkers: 1 });
  const { pid } = await pool.submit(job("where"));
  const future = pool.submit(job("spin"));
  await until(() => future.running());
  process.kill(pid, "SIGKILL");
  const error = await errorOf(future);
  assert.ok(error instanceof pools.Broken);
  assert.equal(error.message, `worker process ${pid}, which carried out spin(), was ended by SIGKILL`);
});

inEachPool("a worker that dies without a job is logged, and replaced", async (pools) => {
  using log = new CapturedLog();
  await using pool = pools.make({ maxWorkers: 1 });
  const laterExit = () => {
    setTimeout(() => process.exit(4), 20);
  };
  await pool.submit(laterExit);
  await until(() => log.of("error").length > 0);
  assert.match(log.of("error")[0]!, /^worker .* exited with code 4 while it had no job$/);
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
});

inEachPool("an initializer that fails breaks the pool", async (pools) => {
  using log = new CapturedLog();
  await using pool = pools.make({ maxWorkers: 2, initializer: job("fail"), initargs: [9] });
  const futures = [pool.submit(job("add"), 1, 2), pool.submit(job("add"), 1, 2)];
  for (const future of futures) {
    const error = await errorOf(future);
    assert.ok(error instanceof pools.Broken);
    assert.equal((error.cause as Error).message, "job 9 has failed");
  }
  assert.throws(() => pool.submit(job("add"), 1, 2), pools.Broken);
  await pool.shutdown();
  assert.deepEqual(log.of("error"), ["exception in the initializer of a pool's worker"]);
});

inEachPool("workers that cannot even start break the pool", async (pools) => {
  const exit = () => process.exit(1);
  await using pool = pools.make({ maxWorkers: 1, initializer: exit });
  const error = await errorOf(pool.submit(job("add"), 1, 2));
  assert.ok(error instanceof pools.Broken);
  assert.match(error.message, /^workers end before they can begin: the last one exited with code 1$/);
});

inEachPool(
  "arguments for the initializer that cannot be sent break the pool, and leave no worker",
  async (pools) => {
    using log = new CapturedLog();
    await using pool = pools.make({ maxWorkers: 2, initializer: job("initialize"), initargs: [() => 1] });
    const error = await errorOf(pool.submit(job("add"), 1, 2));
    assert.ok(error instanceof pools.Broken);
    assert.match(String(error.cause), /TypeError: initargs cannot be sent: \(\) => 1 could not be cloned/);
    await pool.shutdown();
    assert.match(String(pool), /workers=0/);
    assert.equal(log.of("error").length, 1);
  },
);

test("a pool that breaks lets the jobs that run go on", async () => {
  using _log = new CapturedLog();
  const count = new Int32Array(new SharedArrayBuffer(4));
  const onlyOnce = (starts: Int32Array) => {
    if (Atomics.add(starts, 0, 1) > 0) throw new RangeError("once is enough");
  };
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2, initializer: onlyOnce, initargs: [count] });
  assert.equal(await pool.submit(job("untilAborted"), true), "warm");
  const first = pool.submit(job("untilAborted"));
  await errorOf(pool.submit(job("add"), 1, 2));
  assert.equal(first.running(), true);
  first.cancel();
  assert.equal(await first, "heard CancelledError");
});

inEachPool("errors that nobody could send do not end the worker", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const before = await pool.submit(job("where"));
  const strange = () => {
    const refuse = () => {
      throw new Error("no entry");
    };
    throw new Proxy(new Error("x"), { get: refuse, getPrototypeOf: refuse });
  };
  const error = await errorOf(pool.submit(strange));
  assert.ok(error instanceof TypeError);
  assert.equal(error.message, "the error of strange() cannot be sent back: no entry");
  assert.deepEqual(await pool.submit(job("where")), before);
});

inEachPool("what a job posts itself disturbs nobody", async (pools) => {
  await using pool = pools.make({ maxWorkers: 1 });
  const chatty = async () => {
    const { parentPort } = await import("node:worker_threads");
    for (const message of [null, 5, "text", { kind: "ready" }, { kind: "result", id: 0 }]) {
      // Node sends no null from a process.
      if (parentPort !== null) parentPort.postMessage(message);
      else if (message !== null) process.send!(message);
    }
    return "done";
  };
  assert.equal(await pool.submit(chatty), "done");
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
});

inEachPool("a shutdown tells of a worker that does not get beyond its initializer", async (pools) => {
  if (pools.name === "processes") return;
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const pool = pools.make({ maxWorkers: 1, initializer: job("spinUntil"), initargs: [gate] });
  pool.submit(job("add"), 1, 2).cancel();
  await assert.rejects(Promise.resolve(pool.shutdown({ timeout: 0.01 })), {
    message: /^shutdown\(\) waited 0\.01 s for the start of worker thread .*_0$/,
  });
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await pool.shutdown();
});

test("only starts that fail in a row break a pool", async () => {
  const starts = new Int32Array(new SharedArrayBuffer(4));
  const everyThird = (count: Int32Array) => {
    if (Atomics.add(count, 0, 1) % 3 !== 2) process.exit(1);
  };
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, initializer: everyThird, initargs: [starts] });
  for (let n = 0; n < 2; n++) {
    assert.equal(await pool.submit(job("add"), 1, n), 1 + n);
    await errorOf(pool.submit(() => process.exit(2)));
  }
  assert.equal(Atomics.load(starts, 0), 6);
});
