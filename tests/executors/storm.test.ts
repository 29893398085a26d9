import assert from "node:assert/strict";
import { after } from "node:test";
import type { ConcurrentFuture } from "../../src/index.ts";
import { children, inEachPool, job, until } from "./pools.ts";

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

type Kind = "add" | "fail" | "cancel" | "exit" | "spin" | "hoard";

/** The two that take long, and so are rare, come at fixed places: none is left out. */
function kindOf(n: number): Kind {
  if (n % 2000 === 999) return "spin";
  if (n % 2000 === 1999) return "hoard";
  const dice = random();
  if (dice < 0.9) return "add";
  if (dice < 0.95) return "fail";
  return dice < 0.9985 ? "cancel" : "exit";
}

const exit = () => process.exit(1);

/** Sent by its source it begins when it comes: whatever is sent behind it finds it at work. */
const spin = () => {
  for (;;);
};

/** A process tells on its stderr, which is that of the tests, of the memory that it lacks. */
const quieten = async (isProcess: boolean) => {
  if (!isProcess) return;
  const { closeSync, openSync } = await import("node:fs");
  closeSync(2);
  openSync("/dev/null", "w");
};

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool(
  "whatever jobs do, each future settles with the outcome that is due",
  async ({ name, make, littleMemory, Broken }) => {
    const initargs = [name === "processes"];
    await using pool = make({ maxWorkers: 4, initializer: quieten, initargs, ...littleMemory });
    const impatient = pool.with({ terminate: 0 });

    const kinds: Record<Kind, (n: number) => Promise<{ outcome: string; due: string }>> = {
      add: async (n) => ({ outcome: await describe(pool.submit(job("add"), n, 1)), due: `result ${n + 1}` }),
      fail: async (n) => ({
        outcome: await describe(pool.submit(job("fail"), n)),
        due: `JobError job ${n} has failed`,
      }),
      cancel: async (n) => {
        const future = pool.submit(job("add"), n, 1);
        const due = future.cancel() ? "cancelled" : `result ${n + 1}`;
        return { outcome: await describe(future), due };
      },
      exit: async () => ({ outcome: await describe(pool.submit(exit)), due: Broken.name }),
      spin: async () => {
        const future = impatient.submit(spin);
        await until(() => future.running());
        assert.equal(future.cancel(), false);
        return { outcome: await describe(future), due: "cancelled" };
      },
      hoard: async () => ({ outcome: await describe(pool.submit(job("hoard"))), due: Broken.name }),
    };

    const outcomes: Record<string, number> = {};
    async function one(n: number): Promise<void> {
      const kind = kindOf(n);
      const { outcome, due } = await kinds[kind](n);
      assert.equal(outcome, due, `job ${n}, ${kind}`);
      const key = `${kind}: ${outcome.split(" ")[0]}`;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
    }

    const begin = performance.now();
    let next = 0;
    async function stream(): Promise<void> {
      while (next < JOBS) await one(next++);
    }
    await Promise.all(Array.from({ length: CROWD }, stream));
    assert.equal(
      Object.values(outcomes).reduce((sum, count) => sum + count, 0),
      JOBS,
    );
    const expected = ["add: result", "fail: JobError", "cancel: cancelled", "spin: cancelled"];
    for (const key of [...expected, `exit: ${Broken.name}`, `hoard: ${Broken.name}`])
      assert.ok(outcomes[key]! > 0, key);
    if (process.env.STORM_JOBS !== undefined)
      console.log(name, outcomes, `${((performance.now() - begin) / 1000).toFixed(1)} s`);
  },
  { timeout: 1_800_000 },
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
