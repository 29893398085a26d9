/** Functions for workers, which they import from here; with few imports, so that workers start fast. */

import { setTimeout as delay } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { currentSignal } from "../../src/concurrency/current-task.ts";
import { sleep } from "../../src/concurrency/sleep.ts";
import { coroutine } from "../../src/core/coroutines.ts";
import { ValueError } from "../../src/core/errors.ts";
import { registerError } from "../../src/executors/remote-errors.ts";
import { transfer } from "../../src/executors/transfer.ts";

/** An error with an unusual constructor. */
export class JobError extends Error {
  override name = "JobError";
  readonly detail: { readonly n: number };

  constructor(n: number, options?: ErrorOptions) {
    super(`job ${n} has failed`, options);
    this.detail = { n };
  }
}
registerError(JobError);

export function add(a: number, b: number): number {
  return a + b;
}

export const notAFunction = 1;

export function fail(n: number): never {
  throw new JobError(n, { cause: new ValueError("the cause") });
}

/** Who carries this out. */
export function where(): { pid: number; threadId: number } {
  return { pid: process.pid, threadId };
}

/** In a loop of its own. */
export const slowDouble = coroutine(function* (n: number) {
  yield* sleep(0.001);
  return 2 * n;
});

export function* plainGenerator(n: number) {
  yield* sleep(0);
  return n + 1;
}

/** Never ends by itself, but heeds its signal; unless it is only called to be there when it is needed. */
export async function untilAborted(warmUp = false): Promise<string> {
  if (warmUp) return "warm";
  const signal = currentSignal();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {}, 60_000);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      resolve();
    });
  });
  return `heard ${(signal.reason as Error).name}`;
}

/** Never ends by itself, and throws what its signal says. */
export async function untilThrown(): Promise<void> {
  await delay(60_000, undefined, { signal: currentSignal() });
}

/** In a loop of its own, which the cancellation ends. */
export const sleepForEver = coroutine(function* () {
  yield* sleep(1000);
});

/** Holds up its worker, whatever anybody says. */
export function spin(): never {
  for (;;);
}

/** Holds up its worker for so many milliseconds. */
export function spinFor(milliseconds: number): number {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
}

/** Holds up its worker until the other side says so. */
export function spinUntil(flag: Int32Array): number {
  Atomics.wait(flag, 0, 0);
  return Atomics.load(flag, 0);
}

/** More memory than a worker of the tests has. */
export function hoard(): number {
  const all: unknown[] = [];
  for (;;) all.push(Array.from({ length: 10_000 }, () => Math.random()));
}

let initialized = "no";

export function initialize(value: string): void {
  initialized = value;
}

export function initializedWith(): string {
  return initialized;
}

export function firstByteAndBack(bytes: Uint8Array): Uint8Array {
  bytes[0] = 7;
  last = bytes;
  return transfer(bytes);
}

let last: Uint8Array = new Uint8Array();

/** How much is left of what the last job gave back. */
export function lengthOfLast(): number {
  return last.length;
}
