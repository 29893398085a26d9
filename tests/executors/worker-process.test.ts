import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { BrokenProcessPool, ProcessPoolExecutor } from "../../src/index.ts";
import { children, job, until } from "./pools.ts";

for (const [method, signal] of [
  ["terminateWorkers", "SIGTERM"],
  ["killWorkers", "SIGKILL"],
] as const) {
  test(`${method} ends all processes, and what they were at`, async () => {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
    const running = [pool.submit(job("spin")), pool.submit(job("untilThrown"))];
    const queued = pool.submit(job("add"), 1, 2);
    await until(() => running.every((future) => future.running()));
    pool[method]();
    assert.equal(queued.cancelled(), true);
    for (const future of running) {
      await assert.rejects(Promise.resolve(future), (error) => {
        assert.ok(error instanceof BrokenProcessPool);
        return error.message.endsWith(`was ended by ${signal}`);
      });
    }
    assert.throws(() => pool.submit(job("add"), 1, 2), { name: "RuntimeError" });
    await pool.shutdown();
    assert.deepEqual(children(), []);
  });
}

test("processes leave no descriptor and no zombie behind", async () => {
  if (process.platform !== "linux") return;
  const use = async () => {
    await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
    await Promise.all([pool.submit(job("add"), 1, 2), pool.submit(job("add"), 1, 2)]);
  };
  const count = () => readdirSync("/proc/self/fd").length;
  await use();
  const before = count();
  for (let i = 0; i < 3; i++) await use();
  assert.equal(count(), before);
  assert.deepEqual(children(), []);
});
