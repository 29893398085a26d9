import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { children, errorOf, inEachPool, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

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

inEachPool(
  "a shutdown names a worker that does not get beyond its initializer, and can end it",
  async (pools) => {
    const pool = pools.make({ maxWorkers: 1, initializer: job("spin") });
    const future = pool.submit(job("add"), 1, 2);
    await assert.rejects(Promise.resolve(pool.shutdown({ timeout: 0.01 })), {
      message:
        /^shutdown\(\) waited 0\.01 s for the start of worker (thread .*_0|process \d+), 1 that have not begun$/,
    });
    pool.shutdown({ wait: false, cancelFutures: true });
    assert.equal(future.cancelled(), true);
    await pool.shutdown();
    assert.match(String(pool), /workers=0/);
  },
);

test("a shutdown waits for an initializer, if it is not told to cancel anything", async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, initializer: job("spinUntil"), initargs: [gate] });
  pool.submit(job("add"), 1, 2).cancel();
  await assert.rejects(Promise.resolve(pool.shutdown({ timeout: 0.01 })), {
    message: /^shutdown\(\) waited 0\.01 s for the start of worker thread .*_0$/,
  });
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await pool.shutdown();
});

for (const method of ["terminateWorkers", "killWorkers"] as const) {
  test(`${method} ends processes that do not get beyond their initializer`, async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2, initializer: job("spin") });
    const futures = [pool.submit(job("add"), 1, 2), pool.submit(job("add"), 1, 2)];
    await until(() => children().length === 2);
    pool[method]();
    assert.ok(futures.every((future) => future.cancelled()));
    await pool.shutdown();
    assert.deepEqual(children(), []);
  });
}

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

inEachPool("without descriptors for a worker the pool is broken, and says why", async ({ name }) => {
  if (process.platform !== "linux") return;
  const Pool = name === "threads" ? "ThreadPoolExecutor" : "ProcessPoolExecutor";
  const source = `
    import { closeSync, openSync } from "node:fs";
    import { ${Pool}, work } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const pool = new ${Pool}({ maxWorkers: 1 });
    const opened = [];
    try {
      for (;;) opened.push(openSync("/dev/null"));
    } catch {}
    const error = await pool.submit(work("node:path", "basename"), "/a").catch((thrown) => thrown);
    for (const fd of opened) closeSync(fd);
    console.log(error.name, error.message);
    await pool.shutdown();
  `;
  const shell = 'ulimit -n 80; exec "$0" --input-type=module --eval "$1"';
  const { stdout } = await promisify(execFile)("sh", ["-c", shell, process.execPath, source]);
  const Broken = name === "threads" ? "BrokenThreadPool" : "BrokenProcessPool";
  assert.match(stdout, new RegExp(`^${Broken} workers end before they can begin: .*EMFILE`));
});

test("processes that cannot be started break the pool", async () => {
  const { execPath } = process;
  try {
    process.execPath = "/no/such/node";
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
    const error = await errorOf(pool.submit(job("add"), 1, 2));
    assert.match(error.message, /^workers end before they can begin: .* could not be started: .* ENOENT$/);
  } finally {
    process.execPath = execPath;
  }
});
