import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as nodeSleep } from "node:timers/promises";
import {
  BaseEventLoop,
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  ensureFuture,
  sleep,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { HostedClock, newLoop, runProgram } from "../helpers.ts";

/** A promise of Node's that is settled two turns of Node later. */
function later<T>(value: T): Promise<T> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve, value)));
}

/** Run on a loop that waits for Node where it has no timers. */
async function hosted<T>(main: () => Promise<T>): Promise<T> {
  using loop = new BaseEventLoop(new HostedClock());
  return await loop.runUntilComplete(main);
}

/** What a `fetch` does with its signal. */
function fetchLike(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

test("a task can await promises of Node's", async () => {
  const result = await hosted(async () => {
    const first = await later("a");
    await sleep(1);
    return first + (await later("b"));
  });
  assert.equal(result, "ab");
});

test("a generator awaits a promise through a function or ensureFuture", async () => {
  using loop = new BaseEventLoop(new HostedClock());
  const main = function* () {
    const a: string = yield* createTask(() => later("a"));
    const b: string = yield* ensureFuture(later("b"));
    return a + b;
  };
  assert.equal(await loop.runUntilComplete(main), "ab");
});

test("an error of a promise comes out of the task", async () => {
  using loop = newLoop();
  await assert.rejects(
    loop.runUntilComplete(() => Promise.reject(new TypeError("mine"))),
    { name: "TypeError", message: "mine" },
  );
});

test("the current task is known behind promises of Node's", async () => {
  await hosted(async () => {
    const worker = async () => {
      const seen = [currentTask()?.getName()];
      await later(1);
      seen.push(currentTask()?.getName());
      await Promise.all([later(2), sleep(1), later(3)]);
      seen.push(currentTask()?.getName());
      return seen;
    };
    const tasks = [createTask(worker, { name: "a" }), createTask(worker, { name: "b" })];
    assert.deepEqual(await Promise.all(tasks), [Array(3).fill("a"), Array(3).fill("b")]);
  });
});

test("a wait for a promise is not interrupted; the cancellation strikes at the next wait", async () => {
  const log = await hosted(async () => {
    const log: string[] = [];
    const task = createTask(async () => {
      await later(1);
      log.push("the promise was waited for");
      await sleep(1);
      log.push("not reached");
    });
    await sleep(0);
    task.cancel("enough");
    await assert.rejects(Promise.resolve(task), { name: "CancelledError", message: "enough" });
    return log;
  });
  assert.deepEqual(log, ["the promise was waited for"]);
});

test("await ensureFuture(promise) is interrupted at once, and the work goes on", async () => {
  const log: string[] = [];
  using loop = new BaseEventLoop(new HostedClock());
  let settled: Promise<unknown> = Promise.resolve();
  await loop.runUntilComplete(async () => {
    const work = later("work").then((value) => log.push(value));
    settled = work;
    const task = createTask(async () => {
      await ensureFuture(work);
    });
    await sleep(0);
    task.cancel();
    await assert.rejects(Promise.resolve(task), CancelledError);
    log.push("interrupted");
  });
  await settled;
  assert.deepEqual(log, ["interrupted", "work"]);
});

test("currentSignal aborts with the task's CancelledError, which is delivered once", async () => {
  const log = await hosted(async () => {
    const log: string[] = [];
    const task = createTask(async () => {
      try {
        await fetchLike(currentSignal());
      } catch (error) {
        log.push(String(error));
      }
      await sleep(1);
      log.push("cleaned up");
      return "refused";
    });
    await sleep(0);
    task.cancel("enough");
    assert.equal(await task, "refused");
    return log;
  });
  assert.deepEqual(log, ["CancelledError: enough", "cleaned up"]);
});

test("a task that passes the signal's error on is cancelled", async () => {
  await hosted(async () => {
    const task = createTask(() => fetchLike(currentSignal()));
    await sleep(0);
    task.cancel("enough");
    await assert.rejects(Promise.resolve(task), { name: "CancelledError", message: "enough" });
    assert.equal(task.cancelled(), true);
  });
});

test("timeout interrupts what listens to the signal", async () => {
  await hosted(async () => {
    await assert.rejects(
      Promise.resolve(timeout(1, async () => void (await fetchLike(currentSignal())))),
      TimeoutError,
    );
    assert.equal(currentTask()?.cancelling(), 0);
    assert.equal(currentSignal().aborted, false, "a new signal, as the cancellation was dealt with");
  });
});

test("a signal that nobody listens to does not take the cancellation away", async () => {
  await hosted(async () => {
    const task = createTask(async () => {
      const signal = currentSignal();
      await later(1);
      assert.equal(signal.aborted, true);
      await sleep(1);
      return "not reached";
    });
    await sleep(0);
    task.cancel();
    await assert.rejects(Promise.resolve(task), CancelledError);
  });
});

test("the signal stays the same until the task is cancelled, and aborts also where a wait of ours is", async () => {
  await hosted(async () => {
    const reasons: unknown[] = [];
    const task = createTask(async () => {
      const signal = currentSignal();
      assert.equal(currentSignal(), signal);
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      await sleep(10);
    });
    await sleep(0);
    task.cancel("enough");
    await assert.rejects(Promise.resolve(task), CancelledError);
    assert.equal(reasons.length, 1);
    assert.ok(reasons[0] instanceof CancelledError);
    assert.equal(reasons[0].message, "enough");
  });
});

test("a signal asked for after the cancellation is aborted already", async () => {
  await hosted(async () => {
    const task = createTask(async () => {
      try {
        await sleep(10);
      } catch {}
      return currentSignal().aborted;
    });
    await sleep(0);
    task.cancel();
    assert.equal(await task, true);
  });
});

test("a timer of node:timers/promises is interrupted by the signal, once", async () => {
  const log = await hosted(async () => {
    const log: string[] = [];
    const task = createTask(async () => {
      await nodeSleep(1e6, null, { signal: currentSignal() }).catch((error: Error) => {
        log.push(error.name, String(error.cause));
      });
      await sleep(1);
      log.push("cleaned up");
    });
    await sleep(0);
    task.cancel("enough");
    await task;
    return log;
  });
  assert.deepEqual(log, ["AbortError", "CancelledError: enough", "cleaned up"]);
});

test("a task that ends by Node's AbortError for its own cancellation is cancelled", async () => {
  await hosted(async () => {
    const task = createTask(() => nodeSleep(1e6, null, { signal: currentSignal() }));
    await sleep(0);
    task.cancel("enough");
    await assert.rejects(Promise.resolve(task), CancelledError);
    assert.equal(task.cancelled(), true);
  });
});

test("a timeout over one of Node's own APIs throws TimeoutError", async () => {
  await hosted(async () => {
    const slow = async () => void (await nodeSleep(1e6, null, { signal: currentSignal() }));
    await assert.rejects(Promise.resolve(timeout(1, slow)), TimeoutError);
  });
});

test("a signal that is combined by AbortSignal.any delivers the cancellation once", async () => {
  const log = await hosted(async () => {
    const log: string[] = [];
    const task = createTask(async () => {
      await fetchLike(AbortSignal.any([currentSignal()])).catch((error) => log.push(String(error)));
      await sleep(1);
      log.push("cleaned up");
    });
    await sleep(0);
    task.cancel("enough");
    await task;
    return log;
  });
  assert.deepEqual(log, ["CancelledError: enough", "cleaned up"]);
});

test("no failure of any kind becomes Node's unhandledRejection", () => {
  const { status, stdout, stderr } = runProgram(`
    const { Future, CancelledError, createTask, ensureFuture, gather, shield, sleep, timeout, TaskGroup, coroutine,
      waitFor, asCompleted, asyncGenerator, Queue } = index;
    const reports = [];
    loop.setExceptionHandler((_, context) => reports.push(context.message));
    const failAsync = async () => { await sleep(1); throw new Error("async"); };
    const failAtOnce = async () => { throw new Error("at once"); };
    const failGenerator = function* () { yield* sleep(1); throw new Error("generator"); };
    const drop = () => {
      createTask(failAsync); createTask(failAtOnce); createTask(failGenerator);
      new Future().setException(new Error("future"));
      createTask(async () => { await Promise.all([failAsync(), failAtOnce(), createTask(failGenerator)]); });
      createTask(async () => { await Promise.race([failAsync(), sleep(0.5)]); });
      gather(failAsync, failAtOnce);
      shield(failAsync).cancel();
      ensureFuture(Promise.reject(new Error("foreign"))).cancel();
      ensureFuture(Promise.reject(new Error("foreign, seen by nobody")));
      createTask(failAtOnce).cancel();
      createTask(async () => { throw new CancelledError(); });
      createTask(() => TaskGroup.run(async (tg) => { tg.createTask(failAsync); tg.createTask(failAtOnce); throw 1; }));
      createTask(() => timeout(0.5, failAsync));
      createTask(() => waitFor(failAsync, 0.5));
      createTask(async () => { for (const next of asCompleted([failAsync, failAtOnce])) await next; });
      coroutine(failAsync)();
      loop.callSoon(() => { throw new Error("callback"); });
      const agen = asyncGenerator(async function* () { yield 1; throw new Error("agen"); })();
      createTask(async () => { for await (const _ of agen); });
      createTask(async () => { const q = new Queue(); q.shutdown(); await q.get(); });
    };
    await loop.runUntilComplete(async () => { drop(); await sleep(5); });
    gc(); await turn(); gc(); await turn();
    loop.close();
    await turn();
    console.log(reports.length > 10 ? "all reported" : reports);
  `);
  assert.equal(stderr, "");
  assert.equal(stdout, "all reported\n");
  assert.equal(status, 0);
});
