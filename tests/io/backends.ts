import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type TestOptions, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { EventLoop, type ExceptionContext, timeout } from "../../src/index.ts";
import { nativeAvailable } from "../../src/io/native/libc.ts";

export interface BackendUnderTest {
  readonly name: "native" | "portable";
  /** False, or why it cannot be tested here. */
  readonly skip: false | string;
  makeLoop(): EventLoop;
}

/** Seconds after which a test that waits for something gives up; none comes near it. */
const PATIENCE = 30;

const native = nativeAvailable();

/** Whether there are sockets of our own, which only the native backend's library can make. */
export const nativeSkip: false | string = native.available ? false : native.reason;

export const backends: readonly BackendUnderTest[] = [
  { name: "native", skip: nativeSkip, makeLoop: () => new EventLoop({ backend: "native" }) },
  { name: "portable", skip: false, makeLoop: () => new EventLoop({ backend: "portable" }) },
];

/** Whether this machine has no "::1". */
export const ipv6Skip: false | string = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
)
  ? false
  : "no IPv6 on loopback";

/** What a test is given. */
export interface Bench {
  readonly loop: EventLoop;
  readonly backend: "native" | "portable";
  /** What the loop's exception handler was told. A test takes out what it expects; what is left fails it. */
  readonly reports: ExceptionContext[];
  /** Call and await `cleanUp` after the test, in the loop; last come, first served. */
  defer(cleanUp: () => unknown): void;
}

/** Register a test per backend. Its body runs as the main coroutine of a fresh loop of that backend. */
export function inEachBackend(
  name: string,
  body: (bench: Bench) => Promise<void>,
  options: TestOptions = {},
): void {
  for (const backend of backends) {
    test(`${name} (${backend.name})`, { ...options, skip: backend.skip || (options.skip ?? false) }, () =>
      runBody(backend, body),
    );
  }
}

async function runBody(backend: BackendUnderTest, body: (bench: Bench) => Promise<void>): Promise<void> {
  const loop = backend.makeLoop();
  const reports: ExceptionContext[] = [];
  loop.setExceptionHandler((_loop, context) => reports.push(context));
  try {
    await loop.runUntilComplete(() => withCleanUp({ loop, backend: backend.name, reports }, body));
  } finally {
    if (!loop.isRunning()) loop.close();
  }
  assert.deepEqual(reports, [], "the exception handler was told of these");
}

async function withCleanUp(
  bench: Omit<Bench, "defer">,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  try {
    await timeout(PATIENCE, () => body({ ...bench, defer: (cleanUp) => cleanUps.push(cleanUp) }));
  } finally {
    while (cleanUps.length > 0) await cleanUps.pop()!();
  }
}

/**
 * Let libuv and the loop take turns, as often as anything on loopback needs to arrive. For tests that something does
 * not happen; to wait for what does, wait for that.
 */
export async function idle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

/**
 * Wait until a file is on its way to a peer that does not read, and the kernel takes no more of it. Node reads the file
 * outside of the loop's thread, which takes its time.
 */
export async function stuck({ backend }: Bench, transport: { getWriteBufferSize(): number }): Promise<void> {
  while (backend === "portable" && transport.getWriteBufferSize() === 0) await idle();
  for (let i = 0; i < 10; i++) await idle();
}

/** The error that `promise` rejects with, which must be of this class. */
export async function failure<E extends Error>(
  promise: PromiseLike<unknown>,
  Class: abstract new (...args: never[]) => E,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Class) return error;
    throw error;
  }
  assert.fail(`a ${Class.name} was expected, but nothing was thrown`);
}
