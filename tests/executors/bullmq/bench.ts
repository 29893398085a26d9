import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { BullmqExecutor, type BullmqExecutorOptions } from "../../../src/executors/bullmq/index.ts";
import { work } from "../../../src/index.ts";
import type * as Jobs from "./jobs.ts";
import { outputOf, RedisServer } from "./redis.ts";

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;
const JOBS = new URL("./jobs.ts", import.meta.url);

type JobName = keyof typeof Jobs;

/** One of the functions for workers, by its name. */
export function job<N extends JobName>(name: N) {
  return work<Extract<(typeof Jobs)[N], (...args: never) => unknown>>(JOBS, name);
}

/** A Redis, workers, and who submits; all of it ends with the test. */
export class Bench implements AsyncDisposable {
  readonly server: RedisServer;
  readonly #workers: ChildProcess[] = [];
  readonly #redis: Redis;
  #keys = 0;

  private constructor(server: RedisServer) {
    this.server = server;
    this.#redis = new Redis(server.url, { maxRetriesPerRequest: null });
    this.#redis.on("error", () => {});
  }

  static async start(): Promise<Bench> {
    return new Bench(await RedisServer.start());
  }

  get port(): number {
    return this.server.port;
  }

  /** A name that nobody else uses. */
  key(): string {
    return `test-${this.#keys++}`;
  }

  executor(name = "asyncio", options: BullmqExecutorOptions = {}): BullmqExecutor {
    return new BullmqExecutor(name, { redis: this.server.url, ...options });
  }

  /** A worker process, when it is ready. */
  async worker(queue = "asyncio", ...options: string[]): Promise<ChildProcess> {
    const args = [MAIN, "worker", "--redis", this.server.url, "--queue", queue, ...options, JOBS.pathname];
    const worker = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", process.env.SHOW ? "inherit" : "ignore"],
    });
    this.#workers.push(worker);
    await outputOf(worker, /^ready/m);
    return worker;
  }

  /** The next thing that a job pushes to a key. */
  async pushed(key: string): Promise<string> {
    const redis = this.#redis.duplicate();
    try {
      return (await redis.blpop(key, 0))![1];
    } finally {
      redis.disconnect();
    }
  }

  /** All that jobs have pushed to a key. */
  async allPushed(key: string): Promise<string[]> {
    return await this.#redis.lrange(key, 0, -1);
  }

  async push(key: string, value: string): Promise<void> {
    await this.#redis.rpush(key, value);
  }

  /** What the queue has of a job: a field of it as BullMQ stores it. */
  async field(queue: string, id: string, name: string): Promise<string | null> {
    return await this.#redis.hget(`bull:${queue}:${id}`, name);
  }

  async keys(pattern: string): Promise<string[]> {
    return await this.#redis.keys(pattern);
  }

  /** Say that something has happened in a queue. */
  async tell(queue: string, at: string, event: Readonly<Record<string, string>>): Promise<void> {
    await this.#redis.xadd(`bull:${queue}:events`, at, ...Object.entries(event).flat());
  }

  /** Whoever has not read the events of a queue yet never will. */
  async forgetEvents(queue: string): Promise<void> {
    await this.#redis.del(`bull:${queue}:events`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await end(worker, "SIGKILL");
    this.#redis.disconnect();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Send a signal, and wait for the end. */
export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const isOver = child.exitCode !== null || child.signalCode !== null;
  const exited = isOver ? null : once(child, "exit");
  child.kill(signal);
  await exited;
  return { code: child.exitCode, signal: child.signalCode };
}

/** A program of its own; `asyncio`, `bullmq`, `job` and `url` are there. */
export function program(url: string, source: string): ChildProcess {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const prelude = `
    const asyncio = await import(${at("../../../src/index.ts")});
    const { BullmqExecutor } = await import(${at("../../../src/executors/bullmq/index.ts")});
    const { job } = await import(${at("./bench.ts")});
    const url = ${JSON.stringify(url)};
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", prelude + source], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
