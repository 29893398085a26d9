import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asCompleted,
  type BaseEventLoop,
  type Coroutine,
  createTask,
  FIRST_COMPLETED,
  Future,
  gather,
  getRunningLoop,
  Queue,
  shield,
  sleep,
  TimeoutError,
  wait,
  waitFor,
} from "../../src/index.ts";
import { collectGarbage, newLoop } from "../helpers.ts";

/** What a program may do over and over again, for years, with one future that never gets done. */
const habits: Record<string, (longLived: Future<void>) => Coroutine<unknown> | Promise<unknown>> = {
  "waitFor of a shield that times out": (longLived) =>
    waitFor(shield(longLived), 0.001).catch((error) => assert.ok(error instanceof TimeoutError)),

  "wait with a timeout": (longLived) => wait([longLived], { timeout: 0 }),

  "wait in which another one wins": (longLived) => {
    const winner = new Future<void>();
    getRunningLoop().callSoon(() => winner.setResult(undefined));
    return wait([longLived, winner], { returnWhen: FIRST_COMPLETED });
  },

  "a task that waits behind a shield and is cancelled": async (longLived) => {
    const task = createTask(() => shield(longLived));
    await sleep(0);
    task.cancel();
    await wait([task]);
  },

  "asCompleted that times out": async (longLived) => {
    for (const next of asCompleted([longLived], { timeout: 0 })) await next.catch(() => {});
  },

  "a done callback that is taken back": async (longLived) => {
    const callback = () => {};
    longLived.addDoneCallback(callback);
    longLived.removeDoneCallback(callback);
  },

  "gather of shields that is cancelled": async (longLived) => {
    const all = gather(shield(longLived), shield(longLived));
    all.cancel();
    await wait([all]);
    all.exception();
  },
};

for (const [name, habit] of Object.entries(habits)) {
  test(`no waiter is left behind by: ${name}`, async () => {
    using loop = newLoop();
    const longLived = loop.createFuture<void>();
    await loop.runUntilComplete(async () => {
      for (let i = 0; i < 300; i++) await habit(longLived);
      await sleep(0);
    });
    assert.equal(String(longLived), "<Future pending>");
    assert.equal(loop.tasks.size, 0);
    assert.ok(loop.timers.size <= 101, `${loop.timers.size} timers are left`);
  });
}

/** The heap after `work` was done `rounds` times, less that after it was done a tenth as often before, in bytes. */
async function growth(
  rounds: number,
  work: () => Generator<undefined, void> | Promise<void>,
): Promise<number> {
  const repeat = async (times: number) => {
    for (let i = 0; i < times; i++) await work();
    await collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await repeat(rounds / 10);
  return (await repeat(rounds)) - before;
}

async function assertFlat(loop: BaseEventLoop, rounds: number, body: () => Promise<unknown>): Promise<void> {
  const grown = await growth(rounds, async () => {
    await loop.runUntilComplete(body);
  });
  assert.ok(grown < 1e6, `the heap has grown by ${(grown / 1e6).toFixed(1)} MB`);
}

test("100,000 times waitFor of one future leave the heap flat", async () => {
  using loop = newLoop();
  const longLived = loop.createFuture<void>();
  await assertFlat(loop, 100, async () => {
    for (let i = 0; i < 1000; i++) await waitFor(shield(longLived), 0).catch(() => {});
  });
  assert.equal(String(longLived), "<Future pending>");
});

test("tasks that are done leave the heap flat, of either flavour", async () => {
  using loop = newLoop();
  await assertFlat(loop, 100, async () => {
    for (let i = 0; i < 100; i++) {
      await createTask(async () => sleep(0));
      await createTask(function* () {
        yield* sleep(0);
      });
      createTask(() => sleep(1)).cancel();
    }
    await sleep(0);
  });
});

test("a queue through which items go, and from which waiters are cancelled, leaves the heap flat", async () => {
  using loop = newLoop();
  const queue = new Queue<number>(2);
  await assertFlat(loop, 100, async () => {
    for (let i = 0; i < 100; i++) {
      await queue.put(i);
      await queue.get();
      queue.taskDone();
      await waitFor(queue.get(), 0.001).catch(() => {});
    }
  });
  assert.equal(String(queue), "<Queue maxsize=2 items=[]>");
});

test("a loop that sleeps under many long deadlines leaves the heap flat", async () => {
  using loop = newLoop();
  await assertFlat(loop, 100, async () => {
    for (let i = 0; i < 300; i++) await waitFor(sleep(0), 1e6);
  });
  assert.ok(loop.timers.size <= 101);
});
