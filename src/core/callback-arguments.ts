import { inspect } from "node:util";
import { isThenable } from "./awaitables.ts";
import { Context } from "./contextvars.ts";
import { ValueError } from "./errors.ts";

/** The last argument of `callSoon` and its kin may be this, and nothing else, to choose the context. */
export interface ContextOption {
  context: Context;
}

/** What `callSoon` and its kin take for a callback of the parameters `A`: those, and behind them a {@link ContextOption}. */
export type CallbackArguments<A extends unknown[]> = A | BeforeContext<A>;

/** The option may also stand in the place of parameters that can be left out. */
type BeforeContext<A extends unknown[]> =
  | [...A, ContextOption]
  | (A extends [...infer Head, _?: infer _Last]
      ? A extends [...Head, unknown]
        ? never
        : number extends A["length"]
          ? never
          : BeforeContext<Head>
      : never);

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

type SplitArguments = readonly [args: readonly unknown[], context: Context | undefined];

/** One for all: an array of each callback's own would live as long as its handle. */
const NO_ARGUMENTS: SplitArguments = [[], undefined];

/** The arguments of a callback, and the context that the last of them may choose. */
export function splitContext(args: readonly unknown[]): SplitArguments {
  if (args.length === 0) return NO_ARGUMENTS;
  const last = args[args.length - 1];
  if (!isContextOption(last)) return [args, undefined];
  return [args.slice(0, -1), last.context];
}

function isContextOption(value: unknown): value is ContextOption {
  if (typeof value !== "object" || value === null || !("context" in value)) return false;
  return value.context instanceof Context && Object.keys(value).length === 1;
}
