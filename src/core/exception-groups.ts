import { BaseException, cancellationOf, ValueError } from "./errors.ts";
import { describeValue } from "./format-helpers.ts";

/** What {@link BaseExceptionGroup.split} and `subgroup` go by: an error class, several, or a function. */
export type ExceptionMatcher =
  | (abstract new (
      ...args: never[]
    ) => Error)
  | readonly (abstract new (
      ...args: never[]
    ) => Error)[]
  | ((error: unknown) => boolean);

/**
 * Several errors at once, `BaseException`s among them. It is an `AggregateError`, with its members in `errors`.
 * Use {@link exceptionGroup} to make the right one of the two kinds. Python: `BaseExceptionGroup`.
 */
export class BaseExceptionGroup<E = unknown> extends AggregateError {
  override name = "BaseExceptionGroup";
  readonly code: string = "ERR_ASYNCIO_BASE_EXCEPTION_GROUP";
  declare errors: E[];

  /** Throws ValueError if `errors` is empty: a group has at least one member. */
  constructor(message: string, errors: Iterable<E>, options?: ErrorOptions) {
    const members = [...errors];
    if (members.length === 0) throw new ValueError("an exception group needs at least one error");
    super(members, message, options);
  }

  /** The members of the group, in order. Python: `exceptions`. */
  get exceptions(): readonly E[] {
    return this.errors;
  }

  /** A new group of the same kind with other members; override it to keep data of a subclass. */
  derive<F>(errors: readonly F[]): BaseExceptionGroup<F> {
    return exceptionGroup(this.message, errors);
  }

  /** The part of the group that matches, nesting kept; null if nothing does. Throws as {@link split}. */
  subgroup(matcher: ExceptionMatcher): BaseExceptionGroup | null {
    return this.split(matcher)[0];
  }

  /**
   * The part that matches and the rest, nesting kept; each is null if empty. Throws TypeError if `matcher` is neither
   * an error class, nor an array of them, nor a function.
   */
  split(matcher: ExceptionMatcher): [BaseExceptionGroup | null, BaseExceptionGroup | null] {
    const matches = predicate(matcher);
    if (matches(this)) return [this, null];
    const matching: unknown[] = [];
    const rest: unknown[] = [];
    for (const error of this.errors) {
      const [yes, no] =
        error instanceof BaseExceptionGroup ? error.split(matches) : partition(error, matches);
      if (yes !== null) matching.push(yes);
      if (no !== null) rest.push(no);
    }
    return [this.#part(matching), this.#part(rest)];
  }

  override toString(): string {
    const { length } = this.errors;
    return `${super.toString()} (${length} sub-exception${length === 1 ? "" : "s"})`;
  }

  #part(errors: unknown[]): BaseExceptionGroup | null {
    if (errors.length === 0) return null;
    const part = this.derive(errors);
    if (this.cause !== undefined) part.cause = this.cause;
    return part;
  }
}

/** Several ordinary errors at once. Python: `ExceptionGroup`. */
export class ExceptionGroup<E = unknown> extends BaseExceptionGroup<E> {
  override name = "ExceptionGroup";
  override readonly code = "ERR_ASYNCIO_EXCEPTION_GROUP";

  /** Throws TypeError if one of `errors` is not an ordinary error, ValueError if there are none. */
  constructor(message: string, errors: Iterable<E>, options?: ErrorOptions) {
    super(message, errors, options);
    const stray = this.errors.find((error) => !isException(error));
    if (stray !== undefined) {
      throw new TypeError(
        `Cannot nest ${(stray as Error).name} in an ExceptionGroup; use BaseExceptionGroup`,
      );
    }
  }
}

/** An ExceptionGroup if every member is an ordinary error, else a BaseExceptionGroup: as Python's constructor chooses. */
export function exceptionGroup<E>(
  message: string,
  errors: readonly E[],
  options?: ErrorOptions,
): BaseExceptionGroup<E> {
  const Group = errors.every(isException) ? ExceptionGroup : BaseExceptionGroup;
  return new Group(message, errors, options);
}

/**
 * Whether this is an ordinary error, which Python's `except Exception` would catch: anything but
 * {@link CancelledError}, {@link KeyboardInterrupt}, {@link SystemExit} and groups that hold one of them.
 *
 * ```ts
 * catch (error) { if (!isException(error)) throw error; … }
 * ```
 */
export function isException(error: unknown): boolean {
  if (error instanceof BaseExceptionGroup) return error instanceof ExceptionGroup;
  return !(error instanceof BaseException) && cancellationOf(error) === null;
}

function predicate(matcher: ExceptionMatcher): (error: unknown) => boolean {
  if (Array.isArray(matcher) && matcher.every(isErrorClass)) {
    return (error) => matcher.some((Class) => error instanceof Class);
  }
  if (isErrorClass(matcher)) return (error) => error instanceof matcher;
  if (typeof matcher === "function") return matcher as (error: unknown) => boolean;
  throw new TypeError(
    `an error class, a list of them or a function was expected, not ${describeValue(matcher)}`,
  );
}

function isErrorClass(value: unknown): value is new () => Error {
  if (typeof value !== "function") return false;
  return value === Error || value.prototype instanceof Error;
}

function partition(error: unknown, matches: (error: unknown) => boolean): [unknown, unknown] {
  return matches(error) ? [error, null] : [null, error];
}
