import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { BullmqExecutor, type BullmqFuture } from "../../../src/executors/bullmq/index.ts";
import { CancelledError, RuntimeError, setLogger, TimeoutError } from "../../../src/index.ts";
import { failure } from "../../io/backends.ts";
import { job, program, until } from "./bench.ts";
import { freePort, outputOf, RedisServer, redisSkip } from "./redis.ts";

/** Each test has a port at which nothing listens, until it starts a Redis there. */
function check(name: string, body: (port: number, log: string[]) => Promise<void>): void {
  test(name, { skip: redisSkip, timeout: 30_000 }, async (t: TestContext) => {
    const log: string[] = [];
    setLogger({ debug() {}, info() {}, warn: (message) => log.push(message), error() {} });
    t.after(() => setLogger(null));
    await body(await freePort(), log);
  });
}

function executor(port: number): BullmqExecutor {
  return new BullmqExecutor("asyncio", { redis: `redis://127.0.0.1:${port}` });
}

check("while Redis is away, an executor that was given nothing ends at once", async (port) => {
  await using _unused = executor(port);
  const queue = executor(port);
  await queue.shutdown();
});

check("to pick up a job that cannot be looked up holds up nothing", async (port) => {
  let future: BullmqFuture;
  {
    await using queue = executor(port);
    future = queue.pickUp("id");
  }
  assert.match((await failure(future, RuntimeError)).message, /was closed; the job id goes on/);
  await failure(future.submitted(), RuntimeError);
});

check("what is cancelled before Redis was ever there is not waited for", async (port) => {
  const queue = executor(port);
  const futures = [queue.submit(job("add"), 1, 2), queue.submit(job("add"), 3, 4)];
  futures[0]!.cancel();
  await queue.shutdown({ cancelFutures: true });
  for (const future of futures) {
    await failure(future, CancelledError);
    await failure(future.submitted(), CancelledError);
  }
});

check("what was submitted is waited for until Redis is there, and no longer", async (port, log) => {
  let future: BullmqFuture;
  let isOver = false;
  const submit = async () => {
    await using queue = executor(port);
    future = queue.submit(job("add"), 1, 2);
    const ended = queue.shutdown({ timeout: 0.05 });
    assert.match((await failure(ended, TimeoutError)).message, /waited 0.05 s for the jobs /);
    await queue.shutdown({ wait: false });
  };
  const over = submit().then(() => {
    isOver = true;
  });
  await until(() => log.some((message) => message.startsWith("Redis cannot be reached")));
  assert.equal(isOver, false);
  await using _server = await RedisServer.start(port);
  await over;
  await failure(future!, RuntimeError);
  await future!.submitted();
  await using queue = executor(port);
  await queue.pickUp(future!.id).submitted();
});

check(
  "a process is held by what it submitted while Redis is away, and ends when it is there",
  async (port) => {
    const child = program(
      `redis://127.0.0.1:${port}`,
      `
    asyncio.setLogger({ debug() {}, info() {}, error() {}, warn: () => console.log("away") });
    const queue = new BullmqExecutor("asyncio", { redis: url });
    queue.submit(job("add"), 1, 2);
    queue.shutdown({ wait: false });
    `,
    );
    await outputOf(child, /away/);
    assert.equal(child.exitCode, null);
    await using _server = await RedisServer.start(port);
    const code = await new Promise((resolve) => child.once("exit", resolve));
    assert.equal(code, 0);
  },
);
