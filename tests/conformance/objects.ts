/** The `objects` of a scenario: locks, queues and the like. */

import type { Awaitable } from "../../src/index.ts";
import * as asyncio from "../../src/index.ts";
import type { ObjectSpec, Scenario } from "./scenario.ts";

/** A lock, a condition or a semaphore. */
export interface Lockable {
  acquire(): Awaitable<unknown>;
  release(): void;
  locked(): boolean;
}

export interface Condition extends Lockable {
  wait(): Awaitable<unknown>;
  waitFor(predicate: () => boolean): Awaitable<unknown>;
  notify(n?: number): void;
  notifyAll(): void;
}

export interface Barrier {
  wait(): Awaitable<number>;
  reset(): Awaitable<void>;
  abort(): Awaitable<void>;
  readonly nWaiting: number;
  readonly broken: boolean;
}

/** The class behind each type of object, and which field of the object its constructor takes. */
const TYPES: Readonly<Record<string, readonly [className: string, field?: "value" | "parties" | "maxsize"]>> =
  {
    lock: ["Lock"],
    event: ["Event"],
    condition: ["Condition"],
    semaphore: ["Semaphore", "value"],
    bounded: ["BoundedSemaphore", "value"],
    barrier: ["Barrier", "parties"],
    queue: ["Queue", "maxsize"],
    lifo: ["LifoQueue", "maxsize"],
    priority: ["PriorityQueue", "maxsize"],
  };

export const isObjectType = (type: string): boolean => Object.hasOwn(TYPES, type);

/** The first class that a scenario needs and the package does not export, or null if it has all. */
export function missingClass({ objects = {} }: Scenario): string | null {
  const names = Object.values(objects).map(({ type }) => TYPES[type]![0]);
  return names.find((name) => !(name in asyncio)) ?? null;
}

export function makeObject(spec: ObjectSpec): unknown {
  const [className, field] = TYPES[spec.type]!;
  const argument = field && spec[field];
  // By name, so that a class counts from the day it is exported.
  const Class = (asyncio as unknown as Record<string, new (...args: number[]) => unknown>)[className]!;
  return argument === undefined ? new Class() : new Class(argument);
}
