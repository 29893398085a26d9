import { types } from "node:util";
import { describeValue } from "./format-helpers.ts";

const METHODS = ["debug", "info", "warn", "error"] as const;

/** What the library logs to: `console`, and most logging libraries, fit. Python: a `logging.Logger`. */
export interface Logger {
  debug(message: string, ...details: unknown[]): unknown;
  info(message: string, ...details: unknown[]): unknown;
  warn(message: string, ...details: unknown[]): unknown;
  error(message: string, ...details: unknown[]): unknown;
}

/** Warnings and errors to `console`, as Python's logging does where nothing is configured: stdout is the program's. */
const usual: Logger = {
  debug() {},
  info() {},
  warn: (message, ...details) => console.warn(message, ...details),
  error: (message, ...details) => console.error(message, ...details),
};

let current = usual;

/**
 * Have the library log to `logger`: anything with the methods `debug`, `info`, `warn` and `error`, which are called with
 * a message, and with an error behind it if there is one. One for all loops of the thread, from the next message on.
 * Null brings back what is so at first: warnings and errors go to `console`, traces nowhere; `setLogger(console)` shows
 * these too.
 *
 * What the logger throws (or rejects with, if it is asynchronous) does no harm: it is written to `console.error`,
 * together with the message. Throws TypeError, naming the method that is missing. Python: the logger named `asyncio`.
 */
export function setLogger(logger: Logger | null): void {
  if (logger !== null) assertLogger(logger);
  current = logger ?? usual;
}

/** @internal The logger of the moment. */
export const logger: Logger = {
  debug: (message, ...details) => write("debug", message, details),
  info: (message, ...details) => write("info", message, details),
  warn: (message, ...details) => write("warn", message, details),
  error: (message, ...details) => write("error", message, details),
};

function write(level: keyof Logger, message: string, details: readonly unknown[]): void {
  try {
    const result = current[level](message, ...details);
    if (types.isPromise(result)) result.catch((error: unknown) => complain(level, message, error));
  } catch (error) {
    complain(level, message, error);
  }
}

/** Without the details: it may be one of them that cannot be shown. */
function complain(level: keyof Logger, message: string, error: unknown): void {
  try {
    console.error(`the logger could not log this ${level} message: ${message}\n`, error);
  } catch {
    console.error(`the logger could not log this ${level} message: ${message}`);
  }
}

function assertLogger(value: unknown): void {
  const methods: Partial<Record<string, unknown>> = Object(value);
  const missing = METHODS.filter((name) => typeof methods[name] !== "function");
  if (missing.length === 0) return;
  throw new TypeError(
    `a logger has the methods ${METHODS.join(", ")}; ${describeValue(value)} has no ${missing.join(", ")}`,
  );
}
