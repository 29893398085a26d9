import { inspect, types } from "node:util";
import type { Suspension } from "./awaitables.ts";
import type { BaseEventLoop } from "./base-events.ts";
import { Coroutine } from "./coroutines.ts";
import { RuntimeError } from "./errors.ts";
import { getRunningLoop } from "./events.ts";
import { isException } from "./exception-groups.ts";
import { type Future, NO_ERROR } from "./futures.ts";
import { Inspectable } from "./inspectable.ts";
import type { Task } from "./tasks.ts";

/**
 * An async generator that its loop knows, so that `loop.shutdownAsyncgens()` can close it: `run` does that at its
 * end. For the rest it is used as any other, with `for await`, or step by step in either flavour.
 *
 * JavaScript's `for await` closes a generator when the loop is left early; Python's `async for` does not.
 */
export class AsyncGen<T, R = unknown, N = unknown> extends Inspectable implements AsyncGenerator<T, R, N> {
  /** The name of the generator function. */
  readonly name: string;
  readonly #generator: AsyncGenerator<T, R, N>;
  #loop: BaseEventLoop | null = null;
  #running = false;

  /** @internal */
  constructor(generator: AsyncGenerator<T, R, N>, name: string) {
    super();
    this.#generator = generator;
    this.name = name;
  }

  /** The next value. Python: `agen.__anext__()`, or `agen.asend(value)`. */
  next(...value: [] | [N]): Coroutine<IteratorResult<T, R>> {
    return this.#step("next", () => this.#generator.next(...value));
  }

  /** Throw `error` at the place where the generator stands. Python: `agen.athrow(error)`. */
  throw(error: unknown): Coroutine<IteratorResult<T, R>> {
    return this.#step("throw", () => this.#generator.throw(error));
  }

  /** End the generator where it stands, with `value` as its last; `finally` blocks run. */
  return(value?: R | PromiseLike<R>): Coroutine<IteratorResult<T, R>> {
    return this.#step("return", () => this.#generator.return(value as R));
  }

  /** End the generator where it stands; `finally` blocks run. Nothing happens if it is over or never began. Python: `agen.aclose()`. */
  aclose(): Coroutine<void> {
    return new Coroutine(async () => {
      await this.return();
    }, `${this.name}.aclose`);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.aclose();
  }

  #step(what: string, step: () => Promise<IteratorResult<T, R>>): Coroutine<IteratorResult<T, R>> {
    return new Coroutine(() => this.#tracked(step), `${this.name}.${what}`);
  }

  /** JavaScript would queue a step that comes while another is under way; Python refuses it. */
  async #tracked(step: () => Promise<IteratorResult<T, R>>): Promise<IteratorResult<T, R>> {
    if (this.#running) throw new RuntimeError(`${this} is already running`);
    if (this.#loop === null) {
      this.#loop = getRunningLoop();
      this.#loop.asyncgens.begin(this);
    }
    this.#running = true;
    let done = true;
    try {
      const result = await step();
      done = result.done === true;
      return result;
    } finally {
      this.#running = false;
      if (done) this.#loop.asyncgens.open.delete(this);
    }
  }

  override toString(): string {
    return `<AsyncGen ${this.name}>`;
  }
}

/** The type that {@link asyncGenerator} makes of a generator. */
type AsyncGenOf<G> = G extends AsyncGenerator<infer T, infer R, infer N> ? AsyncGen<T, R, N> : never;

/**
 * Make the generators of the async generator function `fn` known to the loop in which they first run. JavaScript has
 * no hook that tells a loop of its generators, Python has one. Throws TypeError if `fn` is not an async generator
 * function.
 */
export function asyncGenerator<A extends unknown[], G extends AsyncGenerator<unknown, unknown, unknown>>(
  fn: (...args: A) => G,
): (...args: A) => AsyncGenOf<G> {
  if (!types.isGeneratorFunction(fn) || !types.isAsyncFunction(fn)) {
    throw new TypeError(`asyncGenerator() needs an async generator function, not ${inspect(fn)}`);
  }
  return (...args) => new AsyncGen(fn(...args), fn.name || "<anonymous>") as AsyncGenOf<G>;
}

/** The async generators of a loop. */
export class AsyncGens {
  /** Those that were begun and are not over, in the order in which they were begun. */
  readonly open = new Set<AsyncGen<unknown>>();
  everBegun = false;

  begin(generator: AsyncGen<unknown>): void {
    this.open.add(generator);
    this.everBegun = true;
  }

  /** Those that are open; they are forgotten, and what was begun before counts no more. */
  takeAll(): AsyncGen<unknown>[] {
    const generators = [...this.open];
    this.open.clear();
    this.everBegun = false;
    return generators;
  }
}

/** The work of `loop.shutdownAsyncgens()`: close all together, wait for all, then report. */
export function* closeAll(loop: BaseEventLoop): Generator<Suspension, void, unknown> {
  if (!loop.asyncgens.everBegun) return;
  const generators = loop.asyncgens.takeAll();
  const closings = generators.map((generator) => generator.aclose());
  // CPython closes those that are over too, which takes as many turns of the loop.
  if (closings.length === 0) closings.push(new Coroutine<void>(() => {}, "aclose"));
  const tasks = closings.map((closing) => loop.createTask(closing));
  yield* allDone(loop, tasks);
  for (const [index, task] of tasks.entries()) {
    const exception = task.takeError();
    if (exception === NO_ERROR || !isException(exception)) continue;
    const asyncgen = generators[index]!;
    loop.callExceptionHandler({
      message: `an error occurred during closing of asynchronous generator ${asyncgen}`,
      exception,
      asyncgen,
    });
  }
}

function allDone(loop: BaseEventLoop, tasks: readonly Task<unknown>[]): Future<void> {
  const done = loop.createFuture<void>();
  let pending = tasks.length;
  for (const task of tasks) {
    task.addDoneCallback(() => {
      if (--pending === 0 && !done.done()) done.setResult(undefined);
    });
  }
  return done;
}
