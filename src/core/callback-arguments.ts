import { inspect } from "node:util";
import { isThenable } from "./awaitables.ts";
import type { ContextOption } from "./base-events.ts";
import { Context } from "./contextvars.ts";
import { ValueError } from "./errors.ts";

/** Throws TypeError unless `callback` is a function. */
export function assertCallback(callback: unknown, method: string): void {
  if (typeof callback === "function") return;
  const hint = isThenable(callback) ? "; a coroutine or promise cannot be used as a callback" : "";
  throw new TypeError(`a callable object was expected by ${method}(), got ${inspect(callback)}${hint}`);
}

/** Throws TypeError unless `value` is a number, ValueError if it is NaN. */
export function assertSeconds(value: unknown, name: string): void {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number of seconds, not ${inspect(value)}`);
  if (Number.isNaN(value)) throw new ValueError(`Invalid ${name}: NaN (not a number)`);
}

/** The arguments of a callback, and the context that the last of them may choose. */
export function splitContext(args: readonly unknown[]): [readonly unknown[], Context | undefined] {
  const last = args.at(-1);
  if (!isContextOption(last)) return [args, undefined];
  return [args.slice(0, -1), last.context];
}

function isContextOption(value: unknown): value is ContextOption {
  if (typeof value !== "object" || value === null || !("context" in value)) return false;
  return value.context instanceof Context && Object.keys(value).length === 1;
}
