import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { Redis } from "ioredis";
import {
  createTask,
  ensureFuture,
  gather,
  sleep,
  TaskGroup,
  TimeoutError,
  timeout,
  wait,
} from "../../src/index.ts";
import { type Bench, failure, inEachBackend } from "./backends.ts";
import { missing } from "./programs.ts";

const skip = missing("redis-server");
const directory = mkdtempSync(join(tmpdir(), "asyncio-redis-"));
let server: ChildProcess;
let port = 0;

/** A port that is free now; the system does not give it out again soon. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write("PING\r\n");
    const [answer] = await once(socket, "data");
    return String(answer) === "+PONG\r\n";
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

before(async () => {
  if (skip) return;
  port = await freePort();
  const args = [
    "--bind",
    "127.0.0.1",
    "--port",
    `${port}`,
    "--save",
    "",
    "--appendonly",
    "no",
    "--dir",
    directory,
  ];
  server = spawn("redis-server", args, { stdio: "ignore" });
  while (!(await answers(port))) assert.equal(server.exitCode, null, "redis-server has ended");
});

after(async () => {
  if (!skip) {
    const exited = once(server, "exit");
    server.kill();
    await exited;
  }
  rmSync(directory, { recursive: true });
});

/** A client of ioredis, on an empty database. */
async function client({ defer }: Bench): Promise<Redis> {
  const redis = new Redis(port, "127.0.0.1");
  defer(() => redis.disconnect());
  await ensureFuture(redis.flushall());
  return redis;
}

/** Until redis has a client that waits for a list. */
async function somebodyIsBlocked(redis: Redis): Promise<void> {
  while (!/^blocked_clients:[1-9]/m.test(await redis.info("clients"))) await sleep(0);
}

inEachBackend(
  "tasks await ioredis, a hundred at once, each in its own context",
  async (bench) => {
    const redis = await client(bench);
    const request = new AsyncLocalStorage<number>();
    const task = (i: number) =>
      request.run(i, () =>
        createTask(async () => {
          await redis.set(`key ${i}`, i);
          const value = await redis.get(`key ${i}`);
          assert.equal(request.getStore(), i);
          await redis.incr("count");
          assert.equal(request.getStore(), i);
          return value;
        }),
      );
    const values = await gather(...Array.from({ length: 100 }, (_, i) => task(i)));
    assert.deepEqual(
      values,
      Array.from({ length: 100 }, (_, i) => `${i}`),
    );
    assert.equal(await redis.get("count"), "100");
  },
  { skip },
);

inEachBackend(
  "a timeout around a BLPOP that blocks ends the wait, and its connection can be given up",
  async (bench) => {
    const redis = await client(bench);
    const blocked = redis.duplicate();
    bench.defer(() => blocked.disconnect());
    const popped = blocked.blpop("jobs", 0);
    await failure(
      timeout(0.05, () => ensureFuture(popped)),
      TimeoutError,
    );
    await somebodyIsBlocked(redis);
    blocked.disconnect();
    await failure(popped, Error);
    await redis.rpush("jobs", "not lost");
    assert.deepEqual(await redis.blpop("jobs", 1), ["jobs", "not lost"]);
  },
  { skip },
);

inEachBackend(
  "a worker that is cancelled in a BLPOP closes its connection, and the job goes to the next one",
  async (bench) => {
    const redis = await client(bench);
    const worker = async () => {
      const own = redis.duplicate();
      try {
        return await ensureFuture(own.blpop("jobs", 0));
      } finally {
        own.disconnect();
      }
    };
    const first = createTask(worker);
    await somebodyIsBlocked(redis);
    first.cancel();
    await wait([first]);
    assert.ok(first.cancelled());
    while (/^blocked_clients:[1-9]/m.test(await redis.info("clients"))) await sleep(0);
    const second = createTask(worker);
    await somebodyIsBlocked(redis);
    await redis.rpush("jobs", "build");
    assert.deepEqual(await second, ["jobs", "build"]);
  },
  { skip },
);

inEachBackend(
  "one task publishes to the others of a group, and the loop stays alive for them",
  async (bench) => {
    const redis = await client(bench);
    const subscriber = redis.duplicate();
    bench.defer(() => subscriber.disconnect());
    await subscriber.subscribe("news");
    const received: string[] = [];
    await TaskGroup.run(async (group) => {
      const message = once(subscriber, "message");
      group.createTask(async () => {
        received.push(...((await message) as string[]));
      });
      group.createTask(async () => {
        await redis.publish("news", "hello");
      });
    });
    assert.deepEqual(received, ["news", "hello"]);
  },
  { skip },
);
