import { inspect } from "node:util";
import * as errors from "../core/errors.ts";
import { BaseExceptionGroup, ExceptionGroup } from "../core/exception-groups.ts";
import { assertIntact } from "./intact.ts";

/** Something that was thrown, in a form that can be sent anywhere. What cannot be sent is there as text. */
export type PortableError =
  | readonly ["error", ErrorParts]
  | readonly ["list", readonly PortableError[]]
  | readonly ["value", unknown];

interface ErrorParts {
  /** The names of its class, and of those that this extends. */
  readonly classes: readonly string[];
  readonly message: string;
  readonly stack: string | undefined;
  /** Its other properties, `cause`, `errors`, `name` and `code` among them. */
  readonly properties: readonly (readonly [key: string, value: PortableError, enumerable: boolean])[];
}

type ErrorClass = abstract new (...args: never[]) => Error;

const BUILT_IN = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
  DOMException,
];

const known = new Map<string, ErrorClass>();
for (const value of [...BUILT_IN, ...Object.values(errors), BaseExceptionGroup, ExceptionGroup]) {
  if (isErrorClass(value)) known.set(value.name, value);
}

/**
 * Tell executors of classes of errors, so that those that work throws elsewhere come back as instances of them: with
 * their properties, but not by their constructor. Python finds them by their module; JavaScript cannot.
 *
 * An error of another class comes back as one of the class that it extends and that is known, `Error` at least, with its
 * own `name`, message, stack, cause and properties. Throws TypeError for what is no class of errors, ValueError if another
 * one has that name.
 */
export function registerError(...classes: ErrorClass[]): void {
  for (const one of classes) {
    if (!isErrorClass(one)) throw new TypeError(`a class of errors was expected, not ${inspect(one)}`);
    const other = known.get(one.name);
    if (other !== undefined && other !== one) {
      throw new errors.ValueError(`another class of errors is known by the name of ${one.name}`);
    }
    known.set(one.name, one);
  }
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && (value === Error || value.prototype instanceof Error);
}

/** structuredClone alone would lose its class, its properties, and its members. */
export function encodeError(thrown: unknown): PortableError {
  return encode(thrown, []);
}

/** The error that {@link encodeError} was given, as well as it can be had here. */
export function decodeError(portable: PortableError): unknown {
  const [kind, content] = portable;
  if (kind === "error") return assemble(content);
  return kind === "list" ? content.map(decodeError) : content;
}

/** A chain of causes ends there: nobody reads more of it, and the stack would be full. */
const DEEPEST = 100;

/** `within` are the errors and lists that it is a part of: a circle ends where it closes. */
function encode(value: unknown, within: readonly unknown[]): PortableError {
  const isList = Array.isArray(value);
  if (!isList && !(value instanceof Error)) return ["value", sendable(value)];
  if (within.includes(value) || within.length >= DEEPEST) return ["value", isList ? "[...]" : String(value)];
  const inside = [...within, value];
  return isList ? ["list", value.map((item) => encode(item, inside))] : ["error", takeApart(value, inside)];
}

function takeApart(error: Error, within: readonly unknown[]): ErrorParts {
  const keys = Object.getOwnPropertyNames(error).filter((key) => key !== "stack" && key !== "message");
  const properties = keys.map((key) => {
    const isEnumerable = Object.prototype.propertyIsEnumerable.call(error, key);
    return [key, encode(read(error, key), within), isEnumerable] as const;
  });
  if (error instanceof DOMException) properties.push(["name", ["value", error.name], false]);
  return {
    classes: classesOf(error),
    message: textOf(error, "message") ?? "",
    stack: textOf(error, "stack"),
    properties,
  };
}

/** A getter may throw, which must not take the place of the error. */
function read(error: Error, key: string): unknown {
  try {
    return error[key as keyof Error];
  } catch (thrown) {
    return thrown;
  }
}

/** Anybody can put anything there. */
function textOf(error: Error, key: "message" | "stack"): string | undefined {
  const value = read(error, key);
  return value === undefined || typeof value === "string" ? value : inspect(value);
}

function classesOf(error: Error): string[] {
  const names: string[] = [];
  for (let proto = Object.getPrototypeOf(error); proto !== null; proto = Object.getPrototypeOf(proto)) {
    const own = Object.hasOwn(proto, "constructor") ? proto.constructor : null;
    if (typeof own === "function") names.push(String(own.name));
  }
  return names;
}

function sendable(value: unknown): unknown {
  try {
    assertIntact([value], null);
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}

function assemble({ classes, message, stack, properties }: ErrorParts): Error {
  const nearest = classes.find((name) => known.has(name)) ?? "Error";
  const error = make(nearest, message, properties);
  for (const [key, value, enumerable] of properties) define(error, key, decodeError(value), enumerable);
  if (nearest !== classes[0] && !Object.hasOwn(error, "name")) define(error, "name", classes[0], false);
  define(error, "stack", stack, false);
  return error;
}

/** Not by the constructor, which may want other arguments, and do anything. */
function make(name: string, message: string, properties: ErrorParts["properties"]): Error {
  if (name === "DOMException") {
    const own = properties.find(([key]) => key === "name");
    return new DOMException(message, String(own?.[1][1] ?? "Error"));
  }
  return Object.setPrototypeOf(new Error(message), known.get(name)!.prototype);
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}

/** What a message says of the cause of an error. */
export function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : inspect(cause);
}
