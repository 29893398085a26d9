/**
 * One test, both ways of writing coroutines. The body of a test is a generator that waits with `yield* on(x)` and
 * with nothing else; the flavour decides what that means: `yield* x` in a generator coroutine, or a native `await x`
 * in an async function.
 *
 * ```ts
 * inEachFlavour("a task gives its result", function* ({ on, coroutine }) {
 *   const double = coroutine(function* (n: number) {
 *     yield* on(sleep(1));
 *     return 2 * n;
 *   });
 *   assert.equal(yield* on(createTask(double(21))), 42);
 * });
 * ```
 */

import { test } from "node:test";
import { BaseEventLoop } from "../src/core/base-events.ts";
import { type Awaitable, type Coroutine, coroutine, type Suspension } from "../src/index.ts";
import { VirtualClock } from "../src/testing/virtual-clock.ts";

/** A piece of a program that suits both flavours: it waits through {@link Flavour.on} only. */
export type Steps<T> = Generator<Suspension, T, unknown>;

/** One of the two ways to write a coroutine. Its members do not need `this`: take them apart as you like. */
export interface Flavour {
  readonly name: "generator" | "async";

  /** Wait for it, the flavour's way. */
  readonly on: <T>(awaitable: Awaitable<T>) => Steps<T>;

  /** The function to hand to whatever calls its argument itself: `timeout`, `TaskGroup.run`, `run`. */
  readonly body: <A extends unknown[], T>(
    steps: (...args: A) => Steps<T>,
  ) => (...args: A) => Steps<T> | Promise<T>;

  /** The coroutine function: calling it starts nothing. */
  readonly coroutine: <A extends unknown[], T>(
    steps: (...args: A) => Steps<T>,
  ) => (...args: A) => Coroutine<T>;
}

const generatorFlavour: Flavour = {
  name: "generator",
  *on(awaitable) {
    return yield* awaitable;
  },
  body: (steps) => steps,
  coroutine: (steps) => coroutine(steps),
};

export const asyncFlavour: Flavour = {
  name: "async",
  *on<T>(awaitable: Awaitable<T>): Steps<T> {
    // Not a suspension of the loop's: `drive` takes it, and awaits it.
    return (yield awaitable as unknown as Suspension) as T;
  },
  body:
    (steps) =>
    (...args) =>
      drive(steps(...args)),
  coroutine: (steps) => coroutine(async (...args) => drive(steps(...args))),
};

export const flavours: readonly Flavour[] = [generatorFlavour, asyncFlavour];

/** Run steps of the async flavour in an async function: each thing they wait for is awaited natively. */
export async function drive<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
}

/** Register a test per flavour. Its body runs as the main coroutine of a fresh loop whose clock jumps: no test sleeps. */
export function inEachFlavour(name: string, body: (flavour: Flavour) => Steps<unknown>): void {
  for (const flavour of flavours) {
    test(`${name} (${flavour.name})`, async () => {
      const loop = new BaseEventLoop(new VirtualClock());
      try {
        await loop.runUntilComplete(flavour.coroutine(body)(flavour));
      } finally {
        loop.close();
      }
    });
  }
}
