import { inspect } from "node:util";
import { ValueError } from "../core/errors.ts";
import type { PortableCall } from "./messages.ts";
import { portable, type Work } from "./work.ts";

/** Throws TypeError unless `value` is an integer, ValueError unless it is positive. */
export function assertCount(value: unknown, name: string): asserts value is number {
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be an integer, not ${inspect(value)}`);
  if ((value as number) <= 0) throw new ValueError(`${name} must be greater than 0, not ${value}`);
}

export interface InitializerOptions {
  /** Carried out in each worker before its first job. If it fails, the pool is broken. */
  initializer?: Work | null | undefined;
  /** The arguments for `initializer`. */
  initargs?: readonly unknown[] | undefined;
}

/** Throws TypeError or ValueError for an initializer that cannot be sent, or `initargs` that are no list. */
export function portableInitializer({ initializer, initargs = [] }: InitializerOptions): PortableCall | null {
  if (!Array.isArray(initargs)) throw new TypeError(`initargs must be a list, not ${inspect(initargs)}`);
  return initializer == null ? null : { work: portable(initializer), args: [...initargs] };
}
