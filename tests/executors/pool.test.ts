import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CancelledError,
  coroutine,
  ProcessPoolExecutor,
  RuntimeError,
  run,
  ThreadPoolExecutor,
  ValueError,
} from "../../src/index.ts";
import { children, inEachPool, job } from "./pools.ts";

after(() => assert.deepEqual(children(), [], "processes that were left behind"));

inEachPool("a pool carries out functions by name and by source", async ({ make }) => {
  await using pool = make({ maxWorkers: 2 });
  assert.equal(await pool.submit(job("add"), 1, 2), 3);
  assert.equal(await pool.submit((a: number, b: number) => a * b, 6, 7), 42);
  assert.equal(await pool.submit(async () => (await import("node:path")).basename("/a/b")), "b");
  const methods = {
    twice(n: number) {
      return 2 * n;
    },
  };
  assert.equal(await pool.submit(methods.twice, 4), 8);
});

inEachPool("a job may be a coroutine of this library, which gets a loop of its own", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const doubled: number = await pool.submit(job("slowDouble"), 21);
  const generated: number = await pool.submit(job("plainGenerator"), 1);
  assert.deepEqual([doubled, generated], [42, 2]);
});

inEachPool("work is done elsewhere, and workers are used again", async ({ name, make }) => {
  await using pool = make({ maxWorkers: 3 });
  const first = await pool.submit(job("where"));
  const second = await pool.submit(job("where"));
  assert.deepEqual(second, first);
  if (name === "threads") assert.equal(first.pid, process.pid);
  if (name === "threads") assert.notEqual(first.threadId, 0);
  if (name === "processes") assert.notEqual(first.pid, process.pid);
});

inEachPool(
  "jobs begin in the order of their submission, as many at once as there are workers",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const done: number[] = [];
    const futures = [0, 1, 2, 3].map((n) => pool.submit((m: number) => m, n));
    for (const future of futures) future.addDoneCallback(() => done.push(future.result()));
    assert.deepEqual(
      futures.map((future) => future.running()),
      [false, false, false, false],
    );
    await futures[0];
    assert.equal(futures[2]!.done(), false);
    assert.equal(futures[3]!.running(), false);
    await Promise.all(futures);
    assert.deepEqual(done, [0, 1, 2, 3]);
  },
);

inEachPool(
  "a job that has not begun is dropped when it is cancelled, one that is done is not",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const first = pool.submit(job("where"));
    const second = pool.submit(job("spin"));
    const third = pool.submit(job("add"), 1, 1);
    assert.equal(second.cancel(), true);
    assert.equal(second.cancel(), true);
    await assert.rejects(Promise.resolve(second), CancelledError);
    assert.equal(await third, 2);
    await first;
    assert.equal(first.cancel(), false);
  },
);

inEachPool(
  "arguments that cannot be sent fail their job alone, and say of which function",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const bad = pool.submit(
      (f: () => void) => f,
      () => {},
    );
    const good = pool.submit(job("add"), 1, 2);
    await assert.rejects(Promise.resolve(bad), {
      name: "TypeError",
      message: /^the arguments of anonymous\(\) cannot be sent: /,
    });
    assert.equal(await good, 3);
  },
);

inEachPool(
  "a result that cannot be sent fails its job alone, and says of which function",
  async ({ make }) => {
    await using pool = make({ maxWorkers: 1 });
    const makeFunction = () => () => {};
    await assert.rejects(Promise.resolve(pool.submit(makeFunction)), {
      name: "TypeError",
      message: /^the result of makeFunction\(\) cannot be sent back: /,
    });
    assert.equal(await pool.submit(job("add"), 1, 2), 3);
  },
);

inEachPool("what a module does not export, or is no function, is said so", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  const { work } = await import("../../src/index.ts");
  const jobs = new URL("./jobs.ts", import.meta.url);
  await assert.rejects(Promise.resolve(pool.submit(work<() => void>(jobs, "nothing"))), {
    name: "ValueError",
    message: /exports no nothing, but .*add/,
  });
  await assert.rejects(Promise.resolve(pool.submit(work<() => void>(jobs, "notAFunction"))), {
    name: "TypeError",
    message: /is no function/,
  });
  await assert.rejects(Promise.resolve(pool.submit(work<() => void>("node:no-such-module", "x"))), {
    code: "ERR_UNKNOWN_BUILTIN_MODULE",
  });
});

inEachPool("errors come back whole: class, message, stack, cause and properties", async ({ make }) => {
  const { JobError } = await import("./jobs.ts");
  await using pool = make({ maxWorkers: 1 });
  const error = await pool.submit(job("fail"), 5).then(
    () => assert.fail(),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof JobError);
  assert.equal(error.message, "job 5 has failed");
  assert.deepEqual(error.detail, { n: 5 });
  assert.match(error.stack!, /at .*fail \(.*jobs\.ts/);
  assert.ok(error.cause instanceof ValueError);
  assert.equal(error.cause.message, "the cause");
});

inEachPool("each worker is initialized before its first job", async ({ make }) => {
  await using pool = make({ maxWorkers: 1, initializer: job("initialize"), initargs: ["yes"] });
  assert.equal(await pool.submit(job("initializedWith")), "yes");
});

test("a pool of processes replaces a process that has done its number of jobs", async () => {
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1, maxTasksPerChild: 2 });
  const pids: number[] = [];
  for (let i = 0; i < 5; i++) pids.push((await pool.submit(job("where"))).pid);
  assert.equal(new Set(pids).size, 3);
  assert.equal(pids[0], pids[1]);
  assert.equal(pids[2], pids[3]);
});

test("threads have the names that were asked for", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "resize" });
  const name = await pool.submit(async () => (await import("node:worker_threads")).threadName);
  assert.equal(name, "resize_0");
});

test("processes get the environment and the flags that were asked for", async () => {
  const env = { ...process.env, COLOUR: "blue" };
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1, env, execArgv: ["--stack-trace-limit=3"] });
  assert.deepEqual(await pool.submit(() => [process.env.COLOUR, process.execArgv]), [
    "blue",
    ["--stack-trace-limit=3"],
  ]);
});

inEachPool("the loop in a job has the backend of the environment", async ({ make }) => {
  const before = process.env.ASYNCIO_BACKEND;
  process.env.ASYNCIO_BACKEND = "portable";
  try {
    await using pool = make({ maxWorkers: 1 });
    const library = new URL("../../src/index.ts", import.meta.url).href;
    const backend = await pool.submit(async (index: string) => {
      const { run, getRunningLoop } = await import(index);
      return run(async () => getRunningLoop().backend);
    }, library);
    assert.equal(backend, "portable");
  } finally {
    if (before === undefined) delete process.env.ASYNCIO_BACKEND;
    else process.env.ASYNCIO_BACKEND = before;
  }
});

inEachPool("arguments that make no sense throw at the call", async ({ make }) => {
  assert.throws(() => make({ maxWorkers: 0 }), {
    name: "ValueError",
    message: "maxWorkers must be greater than 0, not 0",
  });
  assert.throws(() => make({ maxWorkers: 1.5 }), TypeError);
  assert.throws(() => make({ initargs: "x" as never }), TypeError);
  assert.throws(() => make({ initializer: 5 as never }), TypeError);
  const pool = make();
  const outer = 1;
  assert.throws(() => pool.submit(() => outer), {
    name: "ValueError",
    message: /uses outer of its surroundings/,
  });
  assert.throws(() => pool.submit(5 as never), TypeError);
  assert.throws(() => pool.with({ terminate: -1 }), ValueError);
  assert.throws(() => pool.with({ terminate: "2" as never }), TypeError);
  assert.throws(() => pool.with({ signal: 5 as never }), TypeError);
  await pool.shutdown();
  assert.throws(() => new ProcessPoolExecutor({ maxTasksPerChild: 0 }), ValueError);
  assert.throws(() => new ThreadPoolExecutor({ threadNamePrefix: 5 as never }), TypeError);
});

inEachPool("futures of a pool can be awaited in both flavours", async ({ make }) => {
  await using pool = make({ maxWorkers: 1 });
  await run(async () => {
    assert.equal(await pool.submit(job("add"), 1, 2), 3);
    const generator = coroutine(function* () {
      return yield* pool.submit(job("add"), 2, 3);
    });
    assert.equal(await generator(), 5);
  });
});

test("a future of a pool cannot be waited for by blocking", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const future = pool.submit(job("add"), 1, 2);
  assert.throws(() => future.result(), RuntimeError);
  assert.throws(() => future.result(0), { name: "TimeoutError" });
  await future;
  assert.equal(future.result(), 3);
});
