import { inspect, types } from "node:util";
import {
  AwaitableObject,
  ForeignIterator,
  isAwaitable,
  isGenerator,
  isThenable,
  type Reject,
  type Resolve,
  type Suspension,
} from "./awaitables.ts";
import type { BaseEventLoop } from "./base-events.ts";
import { CreationStack, sourceTraceback, untraced } from "./creation-stacks.ts";
import { GeneratorExit, RuntimeError } from "./errors.ts";
import { getRunningLoop, runningLoop } from "./events.ts";
import type { Obligation } from "./obligations.ts";

/** The body of a coroutine: a generator that waits with `yield*`, or what an async function returns. */
export type CoroutineBody<T> = Generator<Suspension, T, unknown> | PromiseLike<T> | T;

/** What runs from wait to wait: a generator, or an iterator like one. */
type Steps<T> = Iterator<Suspension, T, unknown>;

/** A function whose call can be run as a coroutine, of either flavour. */
export type CoroutineFunction<A extends unknown[] = unknown[], T = unknown> = (
  ...args: A
) => CoroutineBody<T>;

/** Marks what `coroutine()` returns. */
const COROUTINE_FUNCTION: unique symbol = Symbol("asyncio coroutine function");

/** created: nothing ran; scheduled: a task will run it; running: it was started; closed: it ended. */
type CoroutineState = "created" | "scheduled" | "running" | "closed";

/**
 * A call that has not happened yet: nothing of it runs before it is awaited or made into a task. It can be awaited
 * once. Calling a function wrapped by {@link coroutine} gives one, and so does every waiting function of this library.
 *
 * Awaited inside a task it runs as a part of that task, without a turn of the loop. Awaited outside of any task, in
 * plain Node code, it becomes a task of the running loop. Python: a coroutine object.
 */
export class Coroutine<T> extends AwaitableObject<T> {
  /** The name of the function that it calls. */
  readonly name: string;
  /** @internal */
  declare readonly sourceTraceback: CreationStack | null;
  /** Null once it has begun: what it refers to may be large. */
  #body: (() => CoroutineBody<T>) | Steps<T> | null;
  #iterator: Steps<T> | null = null;
  #state: CoroutineState = "created";
  #neverAwaited: Obligation | null = null;

  /** @internal `body` is what the coroutine runs, not begun yet, or a function to be called for it. */
  constructor(body: (() => CoroutineBody<T>) | Steps<T>, name: string) {
    super();
    this.#body = body;
    this.name = name;
    if (runningLoop()?.getDebug()) this.sourceTraceback = CreationStack.here();
    newborn.push(this);
    if (newborn.length >= nurserySize) forgetStarted();
  }

  static {
    untraced(Coroutine);
  }

  /** Go on with `value` to the next wait, or the end. Python: `coroutine.send`. */
  send(value?: unknown): IteratorResult<Suspension, T> {
    return this.step((iterator) => iterator.next(value));
  }

  /** Go on by throwing `error` at the place where the coroutine waits. Python: `coroutine.throw`. */
  throw(error: unknown): IteratorResult<Suspension, T> {
    if (this.#iterator === null) {
      this.close();
      throw error;
    }
    return this.step((iterator) => (iterator.throw ? iterator.throw(error) : rethrow(error)));
  }

  /**
   * End the coroutine where it waits, its `finally` blocks run; one that was not started just will not run. Throws
   * RuntimeError if it waits again instead of ending. Python: `coroutine.close`.
   */
  close(): void {
    const iterator = this.#iterator;
    this.#neverAwaited?.settle();
    const started = this.#state === "running";
    this.#state = "closed";
    if (!started || iterator === null) return;
    try {
      const { done } = iterator.throw?.(new GeneratorExit()) ?? { done: true };
      if (!done) throw new RuntimeError(`coroutine '${this.name}' ignored GeneratorExit`);
    } catch (error) {
      if (!(error instanceof GeneratorExit)) throw error;
    }
  }

  /** Whether nothing of it has run yet. */
  get unstarted(): boolean {
    return this.#state === "created" || this.#state === "scheduled";
  }

  /** `yield* coroutine`. Throws RuntimeError if it was awaited before. */
  override [Symbol.iterator](): Steps<T> {
    this.start();
    return this.#iterator!;
  }

  protected override settle(resolve: Resolve<T>, reject: Reject): void {
    getRunningLoop().createTask(this).then(resolve, reject);
  }

  /** @internal A task has taken it and will run it. Throws RuntimeError if it was taken or started before. */
  schedule(): void {
    if (this.#state !== "created") throw new RuntimeError("cannot reuse already awaited coroutine");
    this.#state = "scheduled";
    this.#neverAwaited?.settle();
  }

  /** @internal Its task is done. */
  finished(): void {
    this.#state = "closed";
  }

  /** @internal Nobody has awaited it, and no task has taken it. */
  get abandoned(): boolean {
    return this.#state === "created";
  }

  /** @internal Have `loop` report it if it is never started. */
  watch(loop: BaseEventLoop): void {
    if (!this.abandoned) return;
    this.#neverAwaited = loop.obligations.add(this, {
      message: `coroutine '${this.name}' was never awaited`,
      ...sourceTraceback(this.sourceTraceback),
    });
  }

  private start(): void {
    if (this.#iterator !== null || !this.unstarted) {
      throw new RuntimeError("cannot reuse already awaited coroutine");
    }
    this.#neverAwaited?.settle();
    this.#state = "running";
    const body = this.#body!;
    this.#body = null;
    this.#iterator = typeof body === "function" ? stepsOf(body()) : body;
  }

  private step(step: (iterator: Steps<T>) => IteratorResult<Suspension, T>): IteratorResult<Suspension, T> {
    if (this.#iterator === null) this.start();
    else if (this.#state === "closed") throw new RuntimeError("cannot reuse already awaited coroutine");
    try {
      const result = step(this.#iterator!);
      if (result.done) this.#state = "closed";
      return result;
    } catch (error) {
      this.#state = "closed";
      throw error;
    }
  }

  override toString(): string {
    return `<Coroutine ${this.name} ${this.#state}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * Make `fn` start nothing when it is called, as in Python: the call gives a {@link Coroutine}.
 *
 * `fn` may be a generator function (which waits with `yield*`), an async function, or a plain function whose result
 * is then awaited if it can be. Throws TypeError if it is not a function. Python: `async def`, `@asyncio.coroutine`.
 */
export function coroutine<A extends unknown[], T>(fn: CoroutineFunction<A, T>): (...args: A) => Coroutine<T> {
  if (typeof fn !== "function") throw new TypeError(`coroutine() needs a function, not ${inspect(fn)}`);
  const wrapped = function (this: unknown, ...args: A): Coroutine<T> {
    return new Coroutine(() => fn.apply(this, args), fn.name || "<anonymous>");
  };
  Object.defineProperty(wrapped, "name", { value: fn.name });
  return Object.assign(wrapped, { [COROUTINE_FUNCTION]: true as const });
}

/** Whether `value` is a coroutine, or the generator that is the body of one. Python: `asyncio.iscoroutine`. */
export function iscoroutine(
  value: unknown,
): value is Coroutine<unknown> | Generator<Suspension, unknown, unknown> {
  return value instanceof Coroutine || isGenerator(value);
}

/** Whether `value` is an async function, a generator function, or made by {@link coroutine}. Python: `asyncio.iscoroutinefunction`. */
export function iscoroutinefunction(value: unknown): value is CoroutineFunction {
  if (typeof value !== "function") return false;
  if (COROUTINE_FUNCTION in value) return true;
  const isAsyncGenerator = types.isGeneratorFunction(value) && types.isAsyncFunction(value);
  return !isAsyncGenerator && (types.isAsyncFunction(value) || types.isGeneratorFunction(value));
}

/** @internal Throws TypeError unless `value` is a function, which is what makes the body of a block. */
export function assertBody(value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`a function was expected, not ${inspect(value)}; pass what makes it: () => f(x)`);
}

/** @internal The coroutine for what `createTask` and the like were given. */
export function toCoroutine<T>(
  value: Coroutine<T> | CoroutineBody<T> | (() => CoroutineBody<T>),
): Coroutine<T> {
  if (value instanceof Coroutine) return value;
  if (isGenerator(value)) return new Coroutine<T>(value as Steps<T>, "generator");
  if (typeof value === "function")
    return new Coroutine(value as () => CoroutineBody<T>, value.name || "<anonymous>");
  if (isThenable(value) && !isAwaitable(value)) {
    throw new TypeError(
      "a coroutine was expected, got a promise: its work is under way already, and cannot be cancelled. " +
        "Pass the function that makes it, createTask(() => f(x)), or wait for it with ensureFuture(promise)",
    );
  }
  throw new TypeError(`a coroutine was expected, got ${inspect(value)}`);
}

/**
 * Coroutines made since the last look. Most are awaited at once, so only those still unstarted at the end of the
 * iteration are worth the 600 ns that a FinalizationRegistry takes.
 */
let newborn: Coroutine<unknown>[] = [];

/** At this many those in good hands are dropped at once: an iteration may be long, or there may be no loop at all. */
let nurserySize = 1024;

function forgetStarted(): void {
  newborn = newborn.filter((coroutine) => coroutine.abandoned);
  nurserySize = Math.max(1024, 2 * newborn.length);
}

/** @internal */
export function watchNewborn(loop: BaseEventLoop): void {
  if (newborn.length === 0) return;
  for (const coroutine of newborn) coroutine.watch(loop);
  newborn = [];
}

function stepsOf<T>(body: CoroutineBody<T>): Steps<T> {
  if (isGenerator(body)) return body as Steps<T>;
  if (isAwaitable(body)) return body[Symbol.iterator]() as Steps<T>;
  if (isThenable(body)) return new ForeignIterator(body as PromiseLike<T>);
  return { next: () => ({ done: true, value: body as T }) };
}

function rethrow(error: unknown): never {
  throw error;
}
