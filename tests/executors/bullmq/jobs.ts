/** Functions for workers of queues, which are started with this module. */

import { setTimeout as delay } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { Redis } from "ioredis";
import { currentSignal, currentTask } from "../../../src/concurrency/current-task.ts";
import { sleep } from "../../../src/concurrency/sleep.ts";
import { coroutine } from "../../../src/core/coroutines.ts";
import { SystemExit } from "../../../src/core/errors.ts";
import { JobError } from "../jobs.ts";

export { add, fail, slowDouble, where } from "../jobs.ts";

export const notAFunction = 1;

export function echo<T>(value: T): T {
  return value;
}

export async function isInTask(): Promise<boolean> {
  await sleep(0);
  return currentTask() !== null;
}

export const generatorInTask = coroutine(function* () {
  yield* sleep(0);
  return currentTask() !== null;
});

export function unsendable(): () => void {
  return () => {};
}

export function bytes(length: number): Uint8Array {
  return new Uint8Array(length).fill(7);
}

export async function forever(): Promise<void> {
  await sleep(1e6);
}

/** It says when it has begun, and when it has been asked to end. */
export async function cleaningUp(port: number, key: string): Promise<void> {
  await push(port, key, "begun");
  try {
    await sleep(1e6);
  } finally {
    await push(port, key, "cleaned up");
  }
}

/** In plain JavaScript, with the signal. */
export async function waiting(): Promise<void> {
  await delay(1e9, undefined, { signal: currentSignal() });
}

/** Waits for nothing of ours, and listens to no signal. */
export async function deaf(): Promise<void> {
  await new Promise(() => {});
}

/** Never lets go of its thread. */
export function spin(): never {
  for (;;);
}

export function exit(): never {
  throw new SystemExit(3);
}

export function thread(): number {
  return threadId;
}

/** Fails for so many times. */
export async function flaky(port: number, key: string, failures: number): Promise<number> {
  const attempt = await push(port, key, "attempt");
  if (attempt <= failures) throw new RangeError(`attempt ${attempt}`);
  return attempt;
}

/** The first one goes on until it is killed, or asked to end. */
export async function onceStuck(port: number, key: string): Promise<string> {
  const attempt = await push(port, key, String(process.pid));
  if (attempt === 1) await sleep(1e6);
  return `done by attempt ${attempt}`;
}

/** Every one of them goes on until it is killed. */
export async function alwaysStuck(port: number, key: string): Promise<void> {
  await push(port, key, String(process.pid));
  await sleep(1e6);
}

/** Goes on until somebody pushes something to `${key}:go`. */
export async function gate(port: number, key: string): Promise<string> {
  await push(port, key, String(process.pid));
  const redis = connect(port);
  const [, word] = (await redis.blpop(`${key}:go`, 0)) ?? [];
  redis.disconnect();
  return word!;
}

/** Takes a moment, and leaves a trace. */
export async function trace(port: number, key: string, n: number): Promise<number> {
  await sleep(0.01);
  await push(port, key, String(n));
  return n;
}

/** Takes a while; every tenth one fails. */
export async function tenthFails(n: number): Promise<number> {
  await sleep(0.1);
  if (n % 10 === 0) throw new JobError(n);
  return n;
}

async function push(port: number, key: string, value: string): Promise<number> {
  const redis = connect(port);
  try {
    return await redis.rpush(key, value);
  } finally {
    redis.disconnect();
  }
}

/** It may be away for a while. */
function connect(port: number): Redis {
  return new Redis(port, { maxRetriesPerRequest: null }).on("error", () => {});
}
