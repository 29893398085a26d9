import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { after } from "node:test";
import { promisify } from "node:util";
import { children, inEachPool, job, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool("the process does not wait for idle workers, and pending jobs keep it alive", async ({ name }) => {
  const Pool = name === "threads" ? "ThreadPoolExecutor" : "ProcessPoolExecutor";
  const source = `
    import { ${Pool} } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const pool = new ${Pool}({ maxWorkers: 2 });
    pool.submit(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log("from the worker");
      console.error("and its errors");
      return process.pid;
    }).addDoneCallback((future) => console.log("done", future.result() === process.pid));
    // For this one a worker starts, to find nothing to do.
    pool.submit(() => 1).cancel();
  `;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    source,
  ]);
  assert.deepEqual(stdout.split("\n").sort(), ["", `done ${name === "threads"}`, "from the worker"]);
  assert.equal(stderr, "and its errors\n");
});

inEachPool("shutdown refuses new work at once, and lets what was submitted be done", async ({ make }) => {
  const pool = make({ maxWorkers: 1 });
  const futures = [1, 2, 3].map((n) => pool.submit((m: number) => m, n));
  const ended = pool.shutdown();
  assert.throws(() => pool.submit(job("add"), 1, 2), {
    name: "RuntimeError",
    message: "cannot schedule new futures after shutdown",
  });
  await ended;
  assert.deepEqual(
    futures.map((future) => future.result()),
    [1, 2, 3],
  );
  await pool.shutdown();
  await pool.shutdown({ wait: false });
});

inEachPool("shutdown can cancel what has not begun", async ({ make }) => {
  const pool = make({ maxWorkers: 1 });
  const first = pool.submit(job("untilThrown"));
  await until(() => first.running());
  const second = pool.submit(job("spin"));
  const ended = pool.shutdown({ cancelFutures: true });
  assert.equal(second.cancelled(), true);
  assert.equal(first.running(), true);
  first.cancel();
  await ended;
  assert.equal(first.cancelled(), true);
});

inEachPool("without waiting, shutdown is over at once, and the jobs go on", async ({ make }) => {
  const pool = make({ maxWorkers: 1 });
  const future = pool.submit(job("add"), 1, 2);
  assert.equal(pool.with({}).shutdown({ wait: false }).done(), true);
  assert.equal(future.done(), false);
  assert.equal(await future, 3);
  await pool.shutdown();
});

inEachPool("a pool that was never used shuts down at once", async ({ make }) => {
  assert.equal(make().shutdown().done(), true);
});

inEachPool("a shutdown that takes too long names the job that does not end", async ({ make }) => {
  const pool = make({ maxWorkers: 1 });
  const view = pool.with({ terminate: 0 });
  const future = view.submit(job("spin"));
  await until(() => future.running());
  pool.submit(job("add"), 1, 2);
  await assert.rejects(Promise.resolve(pool.shutdown({ timeout: 0.01 })), {
    name: "TimeoutError",
    message:
      /^shutdown\(\) waited 0\.01 s for spin\(\), which has been running for \d+\.\d s in worker .*, 1 that have not begun$/,
  });
  future.cancel();
  await pool.shutdown();
});

inEachPool("pools that come and go leave no descriptor, thread or process behind", async ({ name, make }) => {
  if (process.platform !== "linux") return;
  const count = () => ["fd", "task"].map((what) => readdirSync(`/proc/self/${what}`).length);
  const use = async () => {
    const pool = make({ maxWorkers: 1 });
    assert.equal(await pool.submit(job("add"), 1, 2), 3);
    await pool.shutdown();
  };
  for (let n = 0; n < 3; n++) await use();
  const before = count();
  for (let n = 0; n < (name === "threads" ? 20 : 5); n++) await use();
  await until(() => count().every((now, index) => now <= before[index]!));
  assert.deepEqual(children(), []);
});

inEachPool("a pool that has shut down keeps no timer that would hold up the program", async ({ name }) => {
  const Pool = name === "threads" ? "ThreadPoolExecutor" : "ProcessPoolExecutor";
  const source = `
    import { ${Pool} } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)};
    const pool = new ${Pool}({ maxWorkers: 1 });
    await pool.submit((n) => n, 1);
    await pool.shutdown();
    console.log(process.getActiveResourcesInfo().filter((one) => one === "Timeout"));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", source]);
  assert.equal(stdout, "[]\n");
});
