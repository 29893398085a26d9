import { inspect } from "node:util";
import type { BaseEventLoop } from "./base-events.ts";
import { CREATED_AT } from "./creation-stacks.ts";
import type { Future } from "./futures.ts";
import type { Handle } from "./handles.ts";
import type { Task } from "./tasks.ts";

/**
 * What the exception handler is told about an error that nobody could be given. Python: the `context` dict of
 * `loop.call_exception_handler`.
 */
export interface ExceptionContext {
  /** What happened, in a sentence. */
  message: string;
  exception?: unknown;
  future?: Future<unknown>;
  task?: Task<unknown>;
  handle?: Handle;
  protocol?: object;
  transport?: object;
  socket?: object;
  asyncgen?: object;
  /** Where the thing was made, a line for each frame, innermost first (debug mode). */
  sourceTraceback?: string;
  [key: string]: unknown;
}

/** Python: the function given to `loop.set_exception_handler`. */
export type ExceptionHandler = (loop: BaseEventLoop, context: ExceptionContext) => void;

/** The message, and all else that is known but the exception itself, in alphabetical order. */
export function formatContext({ message, exception: _, ...details }: ExceptionContext): string {
  const lines = Object.keys(details)
    .sort()
    .map((key) => formatDetail(key, details[key]));
  return [message || "Unhandled exception in event loop", ...lines].join("\n");
}

function formatDetail(key: string, value: unknown): string {
  if (typeof value !== "string") return `${key}: ${inspect(value)}`;
  if (key === "sourceTraceback") return `${CREATED_AT}\n${value}`;
  if (key === "handleTraceback") return `the callback that ran was ${CREATED_AT}\n${value}`;
  return `${key}: ${value}`;
}
