import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import {
  CancelledError,
  type ConcurrentFuture,
  createTask,
  gather,
  LookupError,
  PermissionError,
  RuntimeError,
  sleep,
  TimeoutError,
  ValueError,
  work,
} from "../../../src/index.ts";
import { failure, inEachBackend } from "../../io/backends.ts";
import { JobError } from "../jobs.ts";
import { Bench, job, until } from "./bench.ts";
import { redisSkip } from "./redis.ts";

const options = { skip: redisSkip, timeout: 60_000 };

let bench: Bench;

before(async () => {
  if (redisSkip) return;
  bench = await Bench.start();
  await bench.worker("asyncio", "--concurrency", "20", "--patience", "1");
});
after(async () => await bench?.[Symbol.asyncDispose]());

function check(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, options, body);
}

/** Wait until a worker has begun it. */
async function begun(future: ConcurrentFuture): Promise<void> {
  await until(() => future.running());
}

check("submit gives a future with an id at once, and the result comes by it", async () => {
  await using queue = bench.executor();
  const future = queue.submit(job("add"), 1, 2);
  assert.match(future.id, /^[0-9a-f-]{36}$/);
  assert.equal(future.done(), false);
  assert.equal(await future, 3);
  assert.match(String(future), /^<BullmqFuture finished returned number id=[0-9a-f-]{36}>$/);
});

check("arguments and results cross as structuredClone has them", async () => {
  await using queue = bench.executor();
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const values = [
    new Map([[1n, new Date(5)]]),
    new Set(["x"]),
    undefined,
    -0,
    Number.NaN,
    /x/gi,
    circle,
    new Array(2),
    "\0é😀",
  ];
  for (const value of [...values, new Uint8Array([1, 2, 3]), new Float64Array([0.5]), new ArrayBuffer(3)]) {
    assert.deepEqual(await queue.submit(job("echo"), value), value);
  }
  const view = (await queue.submit(job("echo"), new Uint8Array(100).subarray(3, 8))) as Uint8Array;
  assert.equal(view.buffer.byteLength, 5);
});

check("a result of many bytes comes whole", async () => {
  await using queue = bench.executor();
  const result = await queue.submit(job("bytes"), 1_000_000);
  assert.equal(result.length, 1_000_000);
  assert.ok(result.every((byte) => byte === 7));
});

check("arguments that cannot be sent are refused at the call, and results by the future", async () => {
  await using queue = bench.executor();
  assert.throws(() => queue.submit(job("echo"), () => {}), {
    name: "TypeError",
    message: /the arguments of echo\(\) cannot be sent/,
  });
  assert.throws(() => queue.submit(job("echo"), new Uint8Array(33 * 1024 * 1024)), ValueError);
  const error = await failure(queue.with({ retries: 2 }).submit(job("unsendable")), TypeError);
  assert.match(error.message, /the result of unsendable\(\) cannot be sent/);
  assert.match(
    (await failure(queue.submit(job("bytes"), 33 * 1024 * 1024), ValueError)).message,
    /the limit is 33554432/,
  );
});

check("async functions and generators are carried out as tasks", async () => {
  await using queue = bench.executor();
  assert.equal(await queue.submit(job("isInTask")), true);
  assert.equal(await queue.submit(job("generatorInTask")), true);
  const both = [queue.submit(job("generatorInTask")), queue.submit(job("generatorInTask"))];
  assert.deepEqual(await Promise.all(both), [true, true]);
});

check("errors come back with class, message, stack, properties and cause", async () => {
  await using queue = bench.executor();
  const error = await failure(queue.submit(job("fail"), 7), JobError);
  assert.equal(error.message, "job 7 has failed");
  assert.deepEqual(error.detail, { n: 7 });
  assert.ok(error.cause instanceof ValueError);
  assert.match(error.stack!, /jobs\.ts/);
});

check("what the worker does not have is an error that says so, and is not tried again", async () => {
  await using queue = bench.executor("asyncio", { retries: 5 });
  const other = queue.submit(work<() => void>("elsewhere", "f"));
  assert.match((await failure(other, LookupError)).message, /no module elsewhere, but jobs/);
  assert.equal(await bench.field("asyncio", other.id, "ats"), "1");
  const missing = queue.submit(work<() => void>(new URL("./jobs.ts", import.meta.url), "missing"));
  assert.match((await failure(missing, LookupError)).message, /exports no function missing, but .*echo/);
  const number = queue.submit(work<() => void>(new URL("./jobs.ts", import.meta.url), "notAFunction"));
  await failure(number, LookupError);
  await failure(
    queue.submit(work<() => void>(new URL("./jobs.ts", import.meta.url), "toString")),
    LookupError,
  );
});

check("functions are not run by their source, nor modules that the worker was not started with", async () => {
  await using queue = bench.executor();
  const error = await failure(
    queue.submit(() => process.pid),
    PermissionError,
  );
  assert.match(error.message, /--allow-source/);
  await failure(queue.submit(work<typeof process.exit>("node:process", "exit"), 0), LookupError);
  assert.equal(await queue.submit(job("add"), 1, 1), 2);
});

check("a job that fails is tried again, as often as retries says", async () => {
  await using queue = bench.executor("asyncio", { retries: 1 });
  const key = bench.key();
  assert.equal(await queue.with({ retries: 3 }).submit(job("flaky"), bench.port, key, 3), 4);
  const backoff = { type: "exponential", delay: 0.01, jitter: 0.5 } as const;
  const again = bench.key();
  const error = await failure(queue.with({ backoff }).submit(job("flaky"), bench.port, again, 9), RangeError);
  assert.equal(error.message, "attempt 2");
  assert.equal((await bench.allPushed(again)).length, 2);
});

check("a job that takes longer than its timeout ends with TimeoutError, and can clean up", async () => {
  await using queue = bench.executor();
  const key = bench.key();
  const error = await failure(
    queue.with({ timeout: 0.5 }).submit(job("cleaningUp"), bench.port, key),
    TimeoutError,
  );
  assert.equal(error.message, "cleaningUp() was not done after 0.5 s");
  assert.deepEqual(await bench.allPushed(key), ["begun", "cleaned up"]);
  await failure(queue.with({ timeout: 0.2 }).submit(job("waiting")), TimeoutError);
});

check("a job that does not heed its timeout is not waited for", async () => {
  await using queue = bench.executor();
  await failure(queue.with({ timeout: 0.1 }).submit(job("deaf")), TimeoutError);
});

check("a job that nobody has begun is cancelled by taking it out of the queue", async () => {
  await using queue = bench.executor();
  const future = queue.with({ delay: 1000 }).submit(job("forever"));
  await until(async () => (await bench.field("asyncio", future.id, "name")) !== null);
  const elsewhere = bench.executor();
  const same = elsewhere.pickUp(future.id);
  // By then it has found the other one.
  assert.equal(await elsewhere.submit(job("add"), 1, 1), 2);
  assert.equal(future.cancel(), true);
  await failure(same, CancelledError);
  await elsewhere.shutdown();
  await queue.shutdown();
  assert.deepEqual(await bench.keys(`bull:asyncio:*${future.id}*`), []);
});

check("a job that is cancelled before it was sent is never sent", async () => {
  await using queue = bench.executor("nobody");
  const future = queue.submit(job("forever"));
  assert.equal(future.cancel(), true);
  await queue.shutdown();
  assert.equal(await bench.field("nobody", future.id, "name"), null);
});

check("the signal of a job that runs aborts, and the future is cancelled when it has ended", async () => {
  await using queue = bench.executor("asyncio", { retries: 3 });
  const key = bench.key();
  const future = queue.submit(job("cleaningUp"), bench.port, key);
  assert.equal(await bench.pushed(key), "begun");
  await begun(future);
  assert.equal(future.cancel(), false);
  await failure(future, CancelledError);
  assert.equal(future.cancelled(), true);
  assert.deepEqual(await bench.allPushed(key), ["cleaned up"]);
  const plain = queue.submit(job("waiting"));
  await begun(plain);
  plain.cancel();
  await failure(plain, CancelledError);
  await failure(queue.pickUp(plain.id), CancelledError);
  assert.deepEqual(await bench.keys("bull:asyncio:asyncio:cancelled:*"), []);
});

check("a signal cancels the job", async () => {
  await using queue = bench.executor();
  const controller = new AbortController();
  const future = queue.with({ signal: controller.signal }).submit(job("forever"));
  await begun(future);
  controller.abort();
  await failure(future, CancelledError);
  assert.equal(queue.with({ signal: controller.signal }).submit(job("forever")).cancelled(), true);
});

check("map gives the results in order, in chunks or not, and fails where a call does", async () => {
  await using queue = bench.executor();
  const items = Array.from({ length: 50 }, (_, n) => n);
  for (const chunksize of [1, 7]) {
    const sums: number[] = [];
    for await (const sum of queue.map(job("add"), items, items, { chunksize })) sums.push(sum);
    assert.deepEqual(
      sums,
      items.map((n) => 2 * n),
    );
  }
  const failing = queue.map(job("fail"), items, { chunksize: 5 });
  await failure(failing.next(), JobError);
  assert.throws(() => queue.with({ jobId: "one" }).map(job("add"), items, items), ValueError);
});

check("leaving map early cancels what has not begun", async () => {
  await using queue = bench.executor("idle");
  const results = queue.map(job("add"), [1, 2, 3], [1, 2, 3]);
  await until(async () => (await bench.keys("bull:idle:????????-*")).length === 3);
  await results.return();
  await queue.shutdown();
  assert.deepEqual(await bench.keys("bull:idle:????????-*"), []);
});

check("a job can be picked up by its id, done or not, by whoever knows that", async () => {
  await using queue = bench.executor();
  await using other = bench.executor();
  const key = bench.key();
  const future = queue.submit(job("gate"), bench.port, key);
  await bench.pushed(key);
  const early = other.pickUp<string>(future.id);
  assert.equal(early.id, future.id);
  await bench.push(`${key}:go`, "word");
  assert.deepEqual(await Promise.all([future, early]), ["word", "word"]);
  assert.equal(await other.pickUp(future.id), "word");
  const failed = queue.submit(job("fail"), 3);
  await failure(failed, JobError);
  await failure(other.pickUp(failed.id), JobError);
  assert.match((await failure(other.pickUp("nonsense"), LookupError)).message, /no job nonsense/);
  assert.throws(() => other.pickUp(5 as never), TypeError);
});

check("with an id of one's own, a job is submitted but once", async () => {
  await using queue = bench.executor();
  const key = bench.key();
  const first = queue.with({ jobId: key }).submit(job("trace"), bench.port, key, 1);
  assert.equal(first.id, key);
  const second = queue.with({ jobId: key }).submit(job("trace"), bench.port, key, 2);
  assert.deepEqual(await Promise.all([first, second]), [1, 1]);
  assert.equal(await queue.with({ jobId: key }).submit(job("trace"), bench.port, key, 3), 1);
  assert.deepEqual(await bench.allPushed(key), ["1"]);
});

check("shutdown waits for what was submitted, and names it if that takes too long", async () => {
  const queue = bench.executor();
  const key = bench.key();
  const future = queue.submit(job("gate"), bench.port, key);
  const late = await failure(queue.shutdown({ timeout: 0.01 }), TimeoutError);
  assert.ok(late.message.includes(future.id), late.message);
  assert.throws(() => queue.submit(job("add"), 1, 1), RuntimeError);
  assert.throws(() => queue.pickUp("x"), RuntimeError);
  const ended = queue.shutdown();
  await bench.push(`${key}:go`, "word");
  await ended;
  assert.equal(await future, "word");
  assert.equal(String(queue), "<BullmqExecutor asyncio shut down pending=0>");
});

check("the end of a block leaves jobs alone, and they can be picked up", async () => {
  const key = bench.key();
  let future: ConcurrentFuture<string> & { id: string };
  {
    await using queue = bench.executor();
    future = queue.submit(job("gate"), bench.port, key);
  }
  assert.match((await failure(future, RuntimeError)).message, new RegExp(future.id));
  await bench.push(`${key}:go`, "word");
  await using queue = bench.executor();
  assert.equal(await queue.pickUp(future.id), "word");
});

check("shutdown can cancel what has not begun", async () => {
  const queue = bench.executor();
  const future = queue.with({ delay: 1000 }).submit(job("forever"));
  await queue.shutdown({ cancelFutures: true });
  assert.equal(future.cancelled(), true);
  assert.deepEqual(await bench.keys(`bull:asyncio:${future.id}`), []);
});

inEachBackend(
  "a task awaits a job in both flavours, and cancelling it cancels the job",
  async ({ loop }) => {
    await using queue = bench.executor();
    const generator = createTask(function* () {
      return yield* queue.submit(job("add"), 1, 2);
    });
    const plain = createTask(async () => await queue.submit(job("add"), 3, 4));
    assert.deepEqual(await gather(generator, plain), [3, 7]);
    assert.equal(await loop.runInExecutor(queue, job("slowDouble"), 4), 8);
    const key = bench.key();
    const future = queue.submit(job("cleaningUp"), bench.port, key);
    const task = createTask(async () => await future);
    assert.equal(await bench.pushed(key), "begun");
    await begun(future);
    task.cancel();
    await failure(task, CancelledError);
    await failure(future, CancelledError);
    assert.deepEqual(await bench.allPushed(key), ["cleaned up"]);
    await sleep(0);
  },
  options,
);
