import assert from "node:assert/strict";
import { after } from "node:test";
import { type EventLoop, getRunningLoop, RuntimeError, run } from "../../src/index.ts";
import { children, inEachPool, job } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool("no more workers start than there are jobs", async ({ make }) => {
  await using pool = make({ maxWorkers: 5 });
  const futures = [pool.submit(job("add"), 1, 2), pool.submit(job("add"), 1, 2)];
  assert.match(String(pool), /workers=2 waiting=2>$/);
  await Promise.all(futures);
});

inEachPool("who cancels or submits from a callback meets a pool that is whole", async ({ make }) => {
  const pool = make({ maxWorkers: 1 });
  const first = pool.submit((n: number) => n, 1);
  const others = [2, 3, 4].map((n) => pool.submit((m: number) => m, n));
  others[0]!.addDoneCallback(() => others[1]!.cancel());
  others[0]!.cancel();
  let refused: unknown;
  const nested = await new Promise<number>((resolve) => {
    first.addDoneCallback(() =>
      pool.submit((n: number) => n, 5).addDoneCallback((future) => resolve(future.result())),
    );
  });
  assert.equal(nested, 5);
  assert.equal(others[2]!.result(), 4);
  assert.match(String(pool), /waiting=0>$/);
  const last = [6, 7].map((n) => pool.submit((m: number) => m, n));
  last[1]!.addDoneCallback(() => {
    try {
      pool.submit(job("add"), 1, 2);
    } catch (error) {
      refused = error;
    }
  });
  await pool.shutdown({ cancelFutures: true });
  assert.ok(refused instanceof RuntimeError);
});

inEachPool("one pool serves several loops, and outlives them", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const sums: number[] = [];
  for (const n of [1, 2])
    sums.push(await run(async () => getRunningLoop<EventLoop>().runInExecutor(pool, job("add"), n, n)));
  assert.deepEqual(sums, [2, 4]);
  assert.equal(await pool.submit(job("add"), 3, 3), 6);
});

inEachPool("a job can have a pool of its own", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const library = new URL("../../src/index.ts", import.meta.url).href;
  const nested = async (index: string) => {
    const { ThreadPoolExecutor: Threads } = await import(index);
    await using inner = new Threads({ maxWorkers: 1 });
    return await inner.submit((n: number) => 2 * n, 4);
  };
  assert.equal(await pool.submit(nested, library), 8);
});
