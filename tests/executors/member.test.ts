import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Job } from "../../src/executors/job.ts";
import { Member } from "../../src/executors/member.ts";
import type { PoolWorker, WorkerListener } from "../../src/executors/pool-worker.ts";
import { portable } from "../../src/executors/work.ts";
import { BrokenExecutor, RuntimeError } from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { children, errorOf, inEachPool, job, type PoolUnderTest, until } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

/** Processes that do not tell of their end on the stderr of the tests. */
function quiet({ name }: PoolUnderTest) {
  const quieten = async () => {
    const { closeSync, openSync } = await import("node:fs");
    closeSync(2);
    openSync("/dev/null", "w");
  };
  return name === "processes" ? { initializer: quieten } : {};
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
  await using pool = pools.make({ maxWorkers: 1, ...quiet(pools) });
  const stray = async () => {
    setTimeout(() => {
      throw new RangeError("stray");
    }, 1);
    await new Promise(() => setInterval(() => {}, 60_000));
  };
  const error = await errorOf(pool.submit(stray));
  assert.ok(error instanceof pools.Broken);
  assert.match(error.message, /, which carried out stray\(\), exited with code 1: RangeError: stray$/);
  assert.ok(error.cause instanceof RangeError);
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
});

inEachPool(
  "an error that an earlier job left behind is not said to be that of the next one",
  async (pools) => {
    await using pool = pools.make({ maxWorkers: 1, ...quiet(pools) });
    const leave = () => {
      setInterval(() => {
        if ("begun" in globalThis) Promise.reject(new RangeError("late"));
      }, 1);
    };
    const innocent = () => {
      Reflect.set(globalThis, "begun", true);
      return new Promise(() => {});
    };
    await pool.submit(leave);
    const error = await errorOf(pool.submit(innocent));
    assert.ok(error instanceof pools.Broken);
    assert.match(
      error.message,
      /innocent\(\), exited with code 1, by an error that an earlier job had left behind: RangeError: late$/,
    );
    assert.ok(error.cause instanceof RangeError);
    assert.equal(await pool.submit(job("add"), 1, 2), 3);
  },
);

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

/** A worker that does what the test says, and its pool. */
function memberOf(started: PoolWorker): { member: Member; calls: string[]; listener: WorkerListener } {
  const calls: string[] = [];
  const listeners: WorkerListener[] = [];
  const member = new Member(null, {
    start: (listener) => {
      listeners.push(listener);
      return started;
    },
    onReady: () => calls.push("ready"),
    onFree: () => calls.push("free"),
    onBroken: () => calls.push("broken"),
    onEnd: () => calls.push("end"),
    lost: (message) => new Error(message),
  });
  return { member, calls, listener: listeners[0]! };
}

const deaf: PoolWorker = { name: "worker", id: 1, post() {}, hold() {}, end() {}, kill() {} };

test("a result that cannot be read fails its job, and the worker is free for the next one", () => {
  const { member, calls, listener } = memberOf(deaf);
  listener.onMessage({ kind: "ready" });
  const unreadable = new Job(portable(spinForEver), [], false, {});
  assert.equal(member.perform(unreadable), true);
  listener.onGarbled(new RangeError("not understood"));
  assert.throws(() => unreadable.future.result(), {
    name: "TypeError",
    message: "the result of spinForEver() cannot be read: not understood",
  });
  assert.deepEqual([calls, member.busy, member.performed], [["ready", "free"], false, 1]);
  listener.onGarbled(new RangeError("of nobody"));
  assert.deepEqual(calls, ["ready", "free"]);
});

test("how long a job has been running is counted from its begin", () => {
  const { member, listener } = memberOf(deaf);
  listener.onMessage({ kind: "ready" });
  assert.equal(member.describe(), null);
  while (performance.now() < 100);
  member.perform(new Job(portable(spinForEver), [], false, {}));
  assert.match(member.describe()!, /^spinForEver\(\), which has been running for 0\.0 s in worker$/);
});

function spinForEver() {}
