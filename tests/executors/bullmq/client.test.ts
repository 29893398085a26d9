import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type Logger, setLogger } from "../../../src/index.ts";
import { Bench, end, job, program, until } from "./bench.ts";
import { outputOf, redisSkip } from "./redis.ts";
import { Relay } from "./relay.ts";

function check(name: string, body: (bench: Bench, t: TestContext) => Promise<void>): void {
  test(name, { skip: redisSkip, timeout: 120_000 }, async (t) => {
    await using bench = await Bench.start();
    await body(bench, t);
  });
}

/** What is logged, in the place of the console. */
function collectLog(t: TestContext): string[] {
  const lines: string[] = [];
  const log = (message: string) => lines.push(message);
  setLogger({ debug() {}, info() {}, warn: log, error: log } satisfies Logger);
  t.after(() => setLogger(null));
  return lines;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

check("no job is lost when Redis is restarted in the middle of a queue", async (bench, t) => {
  collectLog(t);
  await bench.worker("asyncio", "--concurrency", "5", "--lock", "5");
  await bench.worker("asyncio", "--concurrency", "5", "--lock", "5");
  await using queue = bench.executor();
  const futures = Array.from({ length: 200 }, (_, n) => queue.submit(job("trace"), bench.port, "traces", n));
  await until(() => futures.filter((future) => future.done()).length > 20);
  await bench.server.stop();
  assert.ok(futures.some((future) => !future.done()));
  const during = queue.submit(job("add"), 1, 2);
  await bench.server.start();
  assert.deepEqual(await Promise.all(futures), Array.from(futures.keys()));
  assert.equal(await during, 3);
  const traces = new Set(await bench.allPushed("traces"));
  assert.equal(traces.size, 200);
});

check("what happened while the connection was cut is looked up when it is back", async (bench, t) => {
  collectLog(t);
  // Without the look at all jobs that comes every 30 s.
  t.mock.timers.enable({ apis: ["setInterval"] });
  await bench.worker();
  await using relay = await Relay.to(bench.port);
  await using queue = bench.executor("asyncio", { redis: relay.url });
  const future = queue.submit(job("gate"), bench.port, "gate");
  await until(() => future.running());
  await relay.cut();
  await bench.push("gate:go", "word");
  await until(async () => (await bench.field("asyncio", future.id, "finishedOn")) !== null);
  await bench.forgetEvents("asyncio");
  await relay.mend();
  assert.equal(await future, "word");
});

check("what no event tells of is looked up every 30 s", async (bench, t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  await bench.worker();
  await using queue = bench.executor();
  const future = queue.submit(job("gate"), bench.port, "gate");
  await bench.pushed("gate");
  // Events that the clock of another machine has numbered: those that follow seem to be old.
  await bench.tell("asyncio", "99999999999999-0", { event: "active", jobId: future.id });
  await until(() => future.running());
  await bench.forgetEvents("asyncio");
  await bench.push("gate:go", "word");
  await until(async () => (await bench.field("asyncio", future.id, "finishedOn")) !== null);
  t.mock.timers.tick(29_999);
  await bench.field("asyncio", future.id, "finishedOn");
  assert.equal(future.done(), false);
  t.mock.timers.tick(1);
  assert.equal(await future, "word");
});

check("what is submitted before Redis is there waits for it", async (bench, t) => {
  const log = collectLog(t);
  await bench.server.stop();
  await using queue = bench.executor();
  const future = queue.submit(job("add"), 1, 2);
  await until(() => log.length > 0);
  assert.match(log[0]!, /Redis cannot be reached/);
  await bench.server.start();
  await bench.worker();
  assert.equal(await future, 3);
});

check("the result of a job whose submitter was killed can be picked up elsewhere", async (bench) => {
  const submitter = program(
    bench.server.url,
    `
    const future = new BullmqExecutor("asyncio", { redis: url }).submit(job("gate"), ${bench.port}, "gate");
    console.log(future.id);
    await future;
    `,
  );
  const id = (await outputOf(submitter, /\n/)).trim();
  const worker = await bench.worker();
  assert.equal(await bench.pushed("gate"), String(worker.pid));
  await end(submitter, "SIGKILL");
  await bench.push("gate:go", "word");
  const other = program(
    bench.server.url,
    `console.log(await new BullmqExecutor("asyncio", { redis: url }).pickUp("${id}"));`,
  );
  assert.equal(await outputOf(other, /\n/), "word\n");
  assert.equal(await exitOf(other), 0);
});

check("a program ends by itself when no future is left, without a shutdown", async (bench) => {
  await bench.worker();
  const source = `
    const queue = new BullmqExecutor("asyncio", { redis: url });
    console.log(await queue.submit(job("add"), 1, 2));
    queue.with({ delay: 1000 }).submit(job("add"), 1, 2).cancel();
  `;
  const child = program(bench.server.url, source);
  assert.equal(await outputOf(child, /\n/), "3\n");
  assert.equal(await exitOf(child), 0);
});

check("a program ends by itself while Redis is away, if it waits for nothing", async (bench) => {
  await bench.server.stop();
  const child = program(
    bench.server.url,
    `
    asyncio.setLogger({ debug() {}, info() {}, error() {}, warn: () => console.log("away") });
    new BullmqExecutor("asyncio", { redis: url });
    `,
  );
  await outputOf(child, /away/);
  assert.equal(await exitOf(child), 0);
});
