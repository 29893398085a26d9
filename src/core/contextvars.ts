import { LookupError, RuntimeError, ValueError } from "./errors.ts";
import { currentExecution, runAs } from "./execution.ts";

const MISSING = Symbol("missing");

/**
 * The values of all context variables at one place of the program. Tasks and callbacks each run in a copy of the
 * context in which they were made, so what they set stays theirs.
 *
 * Copying is O(1): the values are shared until one of the copies sets a variable. Python: `contextvars.Context`.
 */
export class Context implements Iterable<ContextVar<unknown>> {
  #values: ReadonlyMap<ContextVar<unknown>, unknown>;
  #entered = false;

  constructor() {
    this.#values = new Map();
  }

  /** A new context with the same values. Python: `Context.copy`. */
  copy(): Context {
    const copy = new Context();
    copy.#values = this.#values;
    return copy;
  }

  /**
   * Call `fn` with this context as the current one, also across the awaits of an async function; returns what `fn`
   * returns. Throws RuntimeError if the context is being run already. Python: `Context.run`.
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    if (this.#entered) throw new RuntimeError(`cannot enter context: ${this} is already entered`);
    this.#entered = true;
    try {
      return runAs({ task: currentExecution()?.task ?? null, context: this }, () => fn(...args));
    } finally {
      this.#entered = false;
    }
  }

  /** The value of `variable` here, or undefined; see {@link has}. Python: `Context.get`. */
  get<T>(variable: ContextVar<T>): T | undefined {
    return this.#values.get(variable) as T | undefined;
  }

  /** Whether `variable` was set here. Python: `in`. */
  has(variable: ContextVar<unknown>): boolean {
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

  toString(): string {
    return `<Context of ${this.size} variables>`;
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
  return currentContext().copy();
}

/**
 * A variable whose value belongs to the task or callback that set it. Make it once, at module level.
 * Python: `contextvars.ContextVar`.
 */
export class ContextVar<T> {
  /** The name given to the constructor. */
  readonly name: string;
  readonly #default: T | typeof MISSING;

  /** With `defaultValue`, {@link get} never throws. */
  constructor(name: string, options: { defaultValue?: T } = {}) {
    this.name = name;
    this.#default = "defaultValue" in options ? (options.defaultValue as T) : MISSING;
  }

  /**
   * The value in the current context; else `fallback` if given, else the variable's default value, else LookupError.
   * Python: `ContextVar.get`.
   */
  get(...fallback: [value?: T]): T {
    const context = currentContext();
    if (context.has(this)) return context.get(this) as T;
    if (fallback.length > 0) return fallback[0] as T;
    if (this.#default !== MISSING) return this.#default;
    throw new LookupError(`context variable ${JSON.stringify(this.name)} has no value`);
  }

  /** Set the value in the current context. The token gives the old value back to {@link reset}. Python: `ContextVar.set`. */
  set(value: T): Token<T> {
    const context = currentContext();
    const old = context.has(this) ? { value: context.get(this) as T } : null;
    context.bind(this, value);
    return new Token(this, context, old);
  }

  /**
   * Back to the value before the `set` that gave `token`. Throws RuntimeError if the token was used, ValueError if it
   * comes from another variable or context. Python: `ContextVar.reset`.
   */
  reset(token: Token<T>): void {
    token.redeem(this, currentContext());
  }

  toString(): string {
    return `<ContextVar name=${JSON.stringify(this.name)}>`;
  }
}

/** What `ContextVar.set` returns: the way back to the earlier value, once. Python: `contextvars.Token`. */
export class Token<T> {
  readonly variable: ContextVar<T>;
  /** The value before `set`, or null if there was none. */
  readonly oldValue: { readonly value: T } | null;
  readonly #context: Context;
  #used = false;

  /** @internal */
  constructor(variable: ContextVar<T>, context: Context, oldValue: { value: T } | null) {
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

  toString(): string {
    return `<Token${this.#used ? " used" : ""} of ${this.variable}>`;
  }
}
