import { inspect } from "node:util";
import { LookupError, RuntimeError, ValueError } from "./errors.ts";
import { currentExecution, runAs } from "./execution.ts";
import { describeValue } from "./format-helpers.ts";
import { Inspectable } from "./inspectable.ts";

const MISSING: unique symbol = Symbol("missing");

/** @internal What the variables of a context are at a moment: never changed, but replaced. */
export type Values = ReadonlyMap<ContextVar<unknown>, unknown>;

/** @internal A context, or as long as nobody has asked for it, what its values were: there is one for each callback and task. */
export type LazyContext = Context | Values;

/** One for all: most programs have no context variable, and each callback has a context. */
const NO_VALUES: Values = new Map();

/**
 * The values of all context variables at one place of the program. Tasks and callbacks each run in a copy of the
 * context in which they were made, so what they set stays theirs.
 *
 * Copying is O(1): the values are shared until one of the copies sets a variable. Python: `contextvars.Context`.
 */
export class Context extends Inspectable implements Iterable<ContextVar<unknown>> {
  #values = NO_VALUES;
  #entered = false;

  /** @internal */
  static of(values: Values): Context {
    const context = new Context();
    context.#values = values;
    return context;
  }

  /** A new context with the same values. Python: `Context.copy`. */
  copy(): Context {
    return Context.of(this.#values);
  }

  /** @internal */
  get values(): Values {
    return this.#values;
  }

  /**
   * Call `fn` with this context as the current one, also across the awaits of an async function; returns what `fn`
   * returns. Throws RuntimeError if the context is being run already, TypeError if `fn` is not a function.
   * Python: `Context.run`.
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    if (typeof fn !== "function") throw new TypeError(`a function was expected, not ${describeValue(fn)}`);
    if (this.#entered) throw new RuntimeError(`cannot enter context: ${this} is already entered`);
    this.#entered = true;
    try {
      return runAs({ task: currentExecution()?.task ?? null, context: this }, () => fn(...args));
    } finally {
      this.#entered = false;
    }
  }

  /** The value of `variable` here, or undefined; see {@link has}. Throws TypeError if that is no ContextVar. Python: `Context.get`. */
  get<T>(variable: ContextVar<T>): T | undefined {
    assertVariable(variable);
    return this.#values.get(variable) as T | undefined;
  }

  /** Whether `variable` was set here. Throws TypeError if that is no ContextVar. Python: `in`. */
  has(variable: ContextVar<unknown>): boolean {
    assertVariable(variable);
    return this.#values.has(variable);
  }

  /** The variables that are set here. Python: `iter(context)`. */
  [Symbol.iterator](): Iterator<ContextVar<unknown>> {
    return this.#values.keys();
  }

  /** How many variables are set here. Python: `len(context)`. */
  get size(): number {
    return this.#values.size;
  }

  override toString(): string {
    return `<Context of ${this.size} ${this.size === 1 ? "variable" : "variables"}>`;
  }

  /** @internal The value of `variable`, or MISSING: undefined is a value. */
  read<T>(variable: ContextVar<T>): T | typeof MISSING {
    const value = this.#values.get(variable);
    return value === undefined && !this.#values.has(variable) ? MISSING : (value as T);
  }

  /** @internal */
  bind(variable: ContextVar<unknown>, value: unknown): void {
    this.#values = new Map(this.#values).set(variable, value);
  }

  /** @internal */
  unbind(variable: ContextVar<unknown>): void {
    const values = new Map(this.#values);
    values.delete(variable);
    this.#values = values;
  }
}

const topContext = new Context();

/** The context in which the code runs now. */
function currentContext(): Context {
  return (currentExecution()?.context as Context | undefined) ?? topContext;
}

/** A copy of the current context. Python: `contextvars.copy_context`. */
export function copyContext(): Context {
  return Context.of(currentValues());
}

/** @internal What {@link copyContext} would copy. */
export function currentValues(): Values {
  const execution = currentExecution();
  return execution === undefined ? topContext.values : (execution.values ?? execution.context.values);
}

/** @internal */
export function contextOf(lazy: LazyContext): Context {
  return lazy instanceof Context ? lazy : Context.of(lazy);
}

/** @internal */
export function valuesOf(lazy: LazyContext): Values {
  return lazy instanceof Context ? lazy.values : lazy;
}

/**
 * A variable whose value belongs to the task or callback that set it. Make it once, at module level.
 * Python: `contextvars.ContextVar`.
 */
export class ContextVar<T> extends Inspectable {
  /** The name given to the constructor. */
  readonly name: string;
  readonly #default: T | typeof MISSING;

  /** With `defaultValue`, {@link get} never throws. Throws TypeError if `name` is no string. */
  constructor(name: string, options: { defaultValue?: T } = {}) {
    super();
    if (typeof name !== "string") {
      throw new TypeError(`the name of a context variable must be a string, not ${describeValue(name)}`);
    }
    this.name = name;
    this.#default = "defaultValue" in options ? (options.defaultValue as T) : MISSING;
  }

  /**
   * The value in the current context; else `fallback` if given, else the variable's default value, else LookupError.
   * Python: `ContextVar.get`.
   */
  get(): T;
  get<D>(fallback: D): T | D;
  get(...fallback: [] | [unknown]): unknown {
    const value = currentContext().read(this);
    if (value !== MISSING) return value;
    if (fallback.length > 0) return fallback[0];
    if (this.#default !== MISSING) return this.#default;
    throw new LookupError(`context variable ${JSON.stringify(this.name)} has no value`);
  }

  /** Set the value in the current context. The token gives the old value back to {@link reset}. Python: `ContextVar.set`. */
  set(value: T): Token<T> {
    const context = currentContext();
    const old = context.read(this);
    context.bind(this, value);
    return new Token(this, context, old === MISSING ? null : { value: old });
  }

  /**
   * Back to the value before the `set` that gave `token`. Throws RuntimeError if the token was used, ValueError if it
   * comes from another variable or context, TypeError if it is no token. Python: `ContextVar.reset`.
   */
  reset(token: Token<T>): void {
    if (!(token instanceof Token)) throw new TypeError(`a Token was expected, not ${describeValue(token)}`);
    token.redeem(this, currentContext());
  }

  override toString(): string {
    const parts = [`name=${JSON.stringify(this.name)}`];
    if (this.#default !== MISSING) parts.push(`default=${inspect(this.#default, { depth: 0 })}`);
    return `<ContextVar ${parts.join(" ")}>`;
  }
}

/**
 * What `ContextVar.set` returns: the way back to the earlier value, once; at the end of a `using` block by itself.
 * Python: `contextvars.Token`.
 *
 * ```ts
 * using _ = request.set(id);
 * ```
 */
export class Token<T> extends Inspectable implements Disposable {
  readonly variable: ContextVar<T>;
  /** The value before `set`, or null if there was none. */
  readonly oldValue: { readonly value: T } | null;
  readonly #context: Context;
  #used = false;

  /** @internal */
  constructor(variable: ContextVar<T>, context: Context, oldValue: { value: T } | null) {
    super();
    this.variable = variable;
    this.oldValue = oldValue;
    this.#context = context;
  }

  /** @internal */
  redeem(variable: ContextVar<T>, context: Context): void {
    if (this.#used) throw new RuntimeError(`${this} has already been used once`);
    if (this.variable !== variable) throw new ValueError(`${this} was created by a different ContextVar`);
    if (this.#context !== context) throw new ValueError(`${this} was created in a different Context`);
    this.#used = true;
    if (this.oldValue === null) context.unbind(variable);
    else context.bind(variable, this.oldValue.value);
  }

  /** Reset the variable; nothing if that was done already. Throws ValueError in another context. Python: `with token`. */
  [Symbol.dispose](): void {
    if (!this.#used) this.variable.reset(this);
  }

  override toString(): string {
    return `<Token${this.#used ? " used" : ""} var=${this.variable}>`;
  }
}

/** @internal Throws TypeError unless `value` is a Context. */
export function assertContext(value: unknown): asserts value is Context {
  if (value instanceof Context) return;
  throw new TypeError(`context must be a Context, not ${describeValue(value)}`);
}

function assertVariable(value: unknown): void {
  if (value instanceof ContextVar) return;
  throw new TypeError(`a ContextVar was expected, not ${describeValue(value)}`);
}
