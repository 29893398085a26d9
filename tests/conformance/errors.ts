/** The language's errors: its kinds, which derive as in Python, and how they are written in a trace. */

import {
  BaseException,
  BrokenBarrierError,
  CancelledError,
  InvalidStateError,
  QueueEmpty,
  QueueFull,
  RuntimeError,
  TimeoutError,
  ValueError,
} from "../../src/core/errors.ts";
import { BaseExceptionGroup, isException } from "../../src/core/exception-groups.ts";

class AppError extends Error {
  override name = "AppError";
}

class AppBaseError extends BaseException {
  override name = "AppBaseError";
}

class KeyError extends Error {
  override name = "KeyError";
}

/** What `anext` raises at the end of a generator, where JavaScript gives `{done: true}`. */
export class StopAsyncIteration extends Error {
  override name = "StopAsyncIteration";
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  AppBaseError,
  AppError,
  BrokenBarrierError,
  CancelledError,
  InvalidStateError,
  KeyError,
  QueueEmpty,
  QueueFull,
  RuntimeError,
  StopAsyncIteration,
  TimeoutError,
  ValueError,
};

/** Python's bases of each kind. JavaScript's classes cannot say this: there every error derives from Error. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  BaseException: [],
  AppBaseError: ["BaseException"],
  CancelledError: ["BaseException"],
  BaseExceptionGroup: ["BaseException"],
  Exception: ["BaseException"],
  AppError: ["Exception"],
  ValueError: ["Exception"],
  KeyError: ["Exception"],
  TimeoutError: ["Exception"],
  InvalidStateError: ["Exception"],
  QueueEmpty: ["Exception"],
  QueueFull: ["Exception"],
  StopAsyncIteration: ["Exception"],
  RuntimeError: ["Exception"],
  BrokenBarrierError: ["RuntimeError"],
  ExceptionGroup: ["BaseExceptionGroup", "Exception"],
};

/** The errors whose message comes from the scenario. Only those messages are logged: asyncio's own wording is free. */
const worded = new WeakSet<Error>();

export function makeError(kind: string, message: string): Error {
  const Class = CLASSES[kind];
  if (Class === undefined) throw new Error(`a scenario cannot raise ${kind}`);
  const error = new Class(message);
  worded.add(error);
  return error;
}

/** Whether Python's `except kind` would catch it. */
export function isKind(error: unknown, kind: string): boolean {
  return derives(kindOf(error), kind);
}

/** How a trace writes an error. */
export function formatError(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${String(error)}`;
  if (error instanceof BaseExceptionGroup) {
    return `${error.name}[${error.exceptions.map(formatError).join(", ")}]`;
  }
  const message = worded.has(error) || error instanceof CancelledError ? error.message : "";
  return message === "" ? error.name : `${error.name}(${message})`;
}

function derives(kind: string, base: string): boolean {
  return kind === base || (BASES[kind] ?? []).some((parent) => derives(parent, base));
}

/** The nearest of the language's kinds: an implementation may well throw others, such as TypeError. */
function kindOf(error: unknown): string {
  for (let link = Object(error) as object | null; link !== null; link = Object.getPrototypeOf(link)) {
    const name: string = link.constructor.name;
    if (Object.hasOwn(BASES, name)) return name;
  }
  return isException(error) ? "Exception" : "BaseException";
}
