import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { afterMicrotasks, type Driver } from "../src/core/driver.ts";
import {
  type Awaitable,
  BaseEventLoop,
  type ExceptionContext,
  getRunningLoop,
  type Suspension,
} from "../src/index.ts";
import { VirtualClock } from "../src/testing/virtual-clock.ts";
import { type Flavour, flavours, type Steps } from "./flavours.ts";

/** A loop whose clock jumps. */
export function newLoop(): BaseEventLoop {
  return new BaseEventLoop(new VirtualClock());
}

/** Run all that is queued now and in the next `iterations - 1` iterations. */
export async function iterate(loop: BaseEventLoop, iterations: number): Promise<void> {
  for (let i = 0; i < iterations; i++) {
    loop.stop();
    await loop.runForever();
  }
}

/** Register a test per flavour that drives the loop itself: for what happens before, between and after runs. */
export function withEachFlavour(
  name: string,
  body: (flavour: Flavour, loop: BaseEventLoop) => Promise<void>,
  options: { todo?: string } = {},
): void {
  for (const flavour of flavours) {
    test(`${name} (${flavour.name})`, options, async () => {
      const loop = newLoop();
      try {
        await body(flavour, loop);
      } finally {
        if (!loop.isRunning()) loop.close();
      }
    });
  }
}

type ErrorClass<E> = abstract new (...args: never[]) => E;

/** Wait for steps that must throw an error of this class, and give it. */
export function* rejects<E>(
  steps: Steps<unknown>,
  Class: ErrorClass<E>,
  message?: string | RegExp,
): Steps<E> {
  let value: unknown;
  try {
    value = yield* steps;
  } catch (error) {
    return assertError(error, Class, message);
  }
  assert.fail(`nothing was thrown, but ${String(value)} returned`);
}

/** Check an error's class and message, and give it with its type. */
function assertError<E>(error: unknown, Class: ErrorClass<E>, message?: string | RegExp): E {
  if (!(error instanceof Class)) throw error;
  if (typeof message === "string") assert.equal((error as Error).message, message);
  else if (message !== undefined) assert.match((error as Error).message, message);
  return error;
}

/** Whether the awaitable is done before the loop's next iteration: awaiting it takes no turn. */
export function* takesNoTurn<T>(steps: Steps<T>): Steps<T> {
  let turned = false;
  const handle = getRunningLoop().callSoon(() => {
    turned = true;
  });
  const value = yield* steps;
  handle.cancel();
  assert.equal(turned, false, "the loop went on meanwhile");
  return value;
}

/** How many iterations of the loop `steps` take. */
export function* turnsOf(steps: Steps<unknown>): Steps<number> {
  const loop = getRunningLoop();
  let turns = 0;
  const count = () => {
    turns++;
    handle = loop.callSoon(count);
  };
  let handle = loop.callSoon(count);
  yield* steps;
  handle.cancel();
  return turns;
}

/** Everything that the loop's exception handler is told. */
export function collectReports(loop: BaseEventLoop = getRunningLoop()): ExceptionContext[] {
  const reports: ExceptionContext[] = [];
  loop.setExceptionHandler((_loop, context) => reports.push(context));
  return reports;
}

/** Collect what nobody refers to, and let the finalizers run. */
export async function collectGarbage(): Promise<void> {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await turn();
  }
}

/** Run a program in a Node process of its own; `index` in it is the library. */
export function runProgram(source: string): { status: number | null; stdout: string; stderr: string } {
  const index = JSON.stringify(new URL("../src/index.ts", import.meta.url).href);
  const clock = JSON.stringify(new URL("../src/testing/virtual-clock.ts", import.meta.url).href);
  const program = `
    const index = await import(${index});
    const { VirtualClock } = await import(${clock});
    const loop = new index.BaseEventLoop(new VirtualClock());
    const { setImmediate: turn } = await import("node:timers/promises");
    ${source}
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

/**
 * A clock that jumps, but that waits for Node where there is no timer: for tests in which promises of Node's own wake
 * the loop.
 */
export class HostedClock implements Driver {
  readonly resolution = 1e-9;
  #now = 0;
  #resume: (() => void) | null = null;

  time(): number {
    return this.#now;
  }

  wait(timeout: number | null, resume: () => void): boolean {
    if (timeout === 0) return true;
    if (timeout === null) {
      this.#resume = resume;
      return false;
    }
    this.#now += timeout;
    return true;
  }

  begin(): void {}

  end(): void {}

  wake(): void {
    const resume = this.#resume;
    if (resume === null) return;
    this.#resume = null;
    setImmediate(resume);
  }

  poll(): void {}

  afterMicrotasks(resume: () => void): void {
    afterMicrotasks(resume);
  }

  close(): void {}
}

/** Something to wait for that is neither a future nor a coroutine. */
export function customAwaitable<T>(awaitable: Awaitable<T>): Awaitable<T> {
  return {
    then: (onFulfilled, onRejected) => awaitable.then(onFulfilled, onRejected),
    [Symbol.iterator]: (): Iterator<Suspension, T, unknown> => awaitable[Symbol.iterator](),
  };
}
