import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { BrokenExecutor, CancelledError, SystemExit, TimeoutError } from "../../../src/index.ts";
import { failure } from "../../io/backends.ts";
import { Bench, end, job, until } from "./bench.ts";
import { redisSkip } from "./redis.ts";

let bench: Bench;

before(async () => {
  if (!redisSkip) bench = await Bench.start();
});
after(async () => await bench?.[Symbol.asyncDispose]());

/** Each test has a queue, with workers of its own. */
function check(name: string, body: (queue: string, t: TestContext) => Promise<void>): void {
  test(name, { skip: redisSkip, timeout: 120_000 }, (t) => body(bench.key(), t));
}

check("a job whose worker is killed is done by another one", async (name) => {
  const workers = await Promise.all([bench.worker(name, "--lock", "2"), bench.worker(name, "--lock", "2")]);
  await using queue = bench.executor(name);
  const key = bench.key();
  const future = queue.submit(job("onceStuck"), bench.port, key);
  await until(async () => (await bench.allPushed(key)).length === 1);
  const [pid] = await bench.allPushed(key);
  await end(workers.find((worker) => worker.pid === Number(pid))!, "SIGKILL");
  assert.equal(await future, "done by attempt 2");
});

check("a job of which one worker after the other dies fails with BrokenExecutor", async (name) => {
  await using queue = bench.executor(name);
  const key = bench.key();
  const future = queue.submit(job("alwaysStuck"), bench.port, key);
  for (let deaths = 0; deaths < 2; deaths++) {
    const worker = await bench.worker(name, "--lock", "1", "--deaths", "1");
    await bench.pushed(key);
    await end(worker, "SIGKILL");
  }
  await bench.worker(name, "--lock", "1", "--deaths", "1");
  assert.match(
    (await failure(future, BrokenExecutor)).message,
    /alwaysStuck\(\), has failed without an error of its own: .*stalled/,
  );
});

check("a job that is cancelled while its worker is dead is not begun again", async (name) => {
  await using queue = bench.executor(name);
  const key = bench.key();
  const future = queue.submit(job("alwaysStuck"), bench.port, key);
  const worker = await bench.worker(name, "--lock", "1");
  await bench.pushed(key);
  await until(() => future.running());
  await end(worker, "SIGKILL");
  assert.equal(future.cancel(), false);
  await bench.worker(name, "--lock", "1");
  await failure(future, CancelledError);
  assert.deepEqual(await bench.allPushed(key), []);
});

check("told to stop, a worker lets its jobs finish, and takes no more", async (name) => {
  const worker = await bench.worker(name, "--grace", "60");
  await using queue = bench.executor(name);
  const key = bench.key();
  const running = queue.submit(job("gate"), bench.port, key);
  await bench.pushed(key);
  const queued = queue.submit(job("where"));
  const ended = end(worker, "SIGTERM");
  await bench.push(`${key}:go`, "word");
  assert.equal(await running, "word");
  assert.deepEqual(await ended, { code: 0, signal: null });
  assert.equal(queued.done(), false);
  const other = await bench.worker(name);
  assert.equal((await queued).pid, other.pid);
});

check("a job that does not end in time goes back into the queue, and that is no failure", async (name) => {
  const worker = await bench.worker(name, "--grace", "0");
  await using queue = bench.executor(name);
  const key = bench.key();
  const future = queue.submit(job("onceStuck"), bench.port, key);
  await until(async () => (await bench.allPushed(key)).length === 1);
  assert.deepEqual(await end(worker, "SIGINT"), { code: 0, signal: null });
  assert.equal(future.done(), false);
  await bench.worker(name);
  assert.equal(await future, "done by attempt 2");
});

check("a second signal ends a worker at once", async (name) => {
  const worker = await bench.worker(name, "--grace", "60");
  await using queue = bench.executor(name);
  const key = bench.key();
  queue.submit(job("alwaysStuck"), bench.port, key);
  await bench.pushed(key);
  const told = new Promise((resolve) => worker.stdout!.once("data", resolve));
  worker.kill("SIGTERM");
  assert.match(String(await told), /^SIGTERM: jobs that run have 60 s to end/);
  assert.deepEqual(await end(worker, "SIGTERM"), { code: 143, signal: null });
});

check(
  "jobs can be carried out in threads, and one that does not let go of its thread can be ended",
  async (name) => {
    await bench.worker(name, "--threads", "2", "--patience", "0.2");
    await using queue = bench.executor(name);
    assert.notEqual(await queue.submit(job("thread")), 0);
    await failure(queue.with({ timeout: 0.5 }).submit(job("spin")), TimeoutError);
    const spinning = queue.submit(job("spin"));
    await until(() => spinning.running());
    assert.equal(await queue.submit(job("add"), 1, 2), 3);
    spinning.cancel();
    await failure(spinning, CancelledError);
    assert.equal(await queue.submit(job("generatorInTask")), true);
  },
);

check("functions are run by their source where the worker allows that, in threads or not", async (name) => {
  await bench.worker(`${name}-loop`, "--allow-source");
  await bench.worker(`${name}-threads`, "--allow-source", "--threads", "1");
  for (const where of ["loop", "threads"]) {
    await using queue = bench.executor(`${name}-${where}`);
    assert.equal(await queue.submit((a: number, b: number) => a * b, 6, 7), 42);
  }
});

check("a job cannot end the worker with SystemExit", async (name) => {
  const worker = await bench.worker(name);
  await using queue = bench.executor(name);
  const error = await failure(queue.submit(job("exit")), SystemExit);
  assert.equal(error.exitCode, 3);
  assert.equal((await queue.submit(job("where"))).pid, worker.pid);
});

check("jobs of a higher priority come first", async (name) => {
  await using queue = bench.executor(name);
  const key = bench.key();
  const futures = [3, 1, 2].map((n) => queue.with({ priority: n }).submit(job("trace"), bench.port, key, n));
  futures.push(queue.submit(job("trace"), bench.port, key, 0));
  await until(async () => (await bench.keys(`bull:${name}:????????-*`)).length === 4);
  await bench.worker(name);
  await Promise.all(futures);
  assert.deepEqual(await bench.allPushed(key), ["0", "1", "2", "3"]);
});
