import assert from "node:assert/strict";
import { after } from "node:test";
import type { ConcurrentFuture } from "../../src/index.ts";
import { children, inEachPool, job } from "./pools.ts";

/** Set `STORM_JOBS` to try more: 100000 takes minutes. */
const JOBS = Number(process.env.STORM_JOBS ?? 4000);

/** How many jobs are under way at once. */
const CROWD = 200;

/** The same each time, so that a failure can be had again. */
let seed = 12345;
function random(): number {
  seed = (seed * 1103515245 + 12345) % 2 ** 31;
  return seed / 2 ** 31;
}

const exit = () => process.exit(1);

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool(
  "whatever jobs do, each future settles with the outcome that is due",
  async (pools) => {
    await using pool = pools.make({ maxWorkers: 4, ...pools.littleMemory });
    const impatient = pool.with({ terminate: 0 });
    if (pools.name === "processes") await quieten();

    /** Processes tell of their lack of memory on the stderr of the tests. */
    async function quieten(): Promise<void> {
      const close = async () => (await import("node:fs")).closeSync(2);
      await pool.submit(close);
    }

    const outcomes: Record<string, number> = {};
    function start(n: number): { future: ConcurrentFuture; expected: string[] } {
      const dice = random();
      if (dice < 0.9) return { future: pool.submit(job("add"), n, 1), expected: [`result ${n + 1}`] };
      if (dice < 0.95)
        return { future: pool.submit(job("fail"), n), expected: [`JobError job ${n} has failed`] };
      if (dice < 0.9985) {
        const future = pool.submit(job("add"), n, 1);
        const cancelled = future.cancel();
        return { future, expected: [cancelled ? "cancelled" : `result ${n + 1}`] };
      }
      if (dice < 0.9995) return { future: pool.submit(exit), expected: [pools.Broken.name] };
      if (dice < 0.9999 || pools.name === "processes") {
        const future = impatient.submit(job("spin"));
        setTimeout(() => future.cancel(), 20);
        return { future, expected: ["cancelled"] };
      }
      return { future: pool.submit(job("hoard")), expected: [pools.Broken.name] };
    }

    async function one(n: number): Promise<void> {
      const { future, expected } = start(n);
      const outcome = await describe(future);
      const kind = outcome.split(" ")[0]!;
      outcomes[kind] = (outcomes[kind] ?? 0) + 1;
      assert.ok(
        expected.some((one) => outcome === one || kind === one),
        `job ${n}: ${outcome} in place of ${expected}`,
      );
    }

    let next = 0;
    async function stream(): Promise<void> {
      while (next < JOBS) await one(next++);
    }
    await Promise.all(Array.from({ length: CROWD }, stream));
    assert.equal(
      Object.values(outcomes).reduce((sum, count) => sum + count, 0),
      JOBS,
    );
    for (const kind of ["result", "JobError", "cancelled", pools.Broken.name])
      assert.ok(outcomes[kind]! > 0, kind);
    if (process.env.STORM_JOBS !== undefined) console.log(pools.name, outcomes);
  },
  { timeout: 600_000 },
);

async function describe(future: ConcurrentFuture): Promise<string> {
  try {
    return `result ${await future}`;
  } catch (error) {
    if (future.cancelled()) return "cancelled";
    const { name, message } = error as Error;
    return name.startsWith("Broken") ? name : `${name} ${message}`;
  }
}
