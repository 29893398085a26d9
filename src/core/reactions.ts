import type { Outcome } from "./awaitables.ts";
import type { BaseEventLoop } from "./base-events.ts";
import { asyncStack } from "./call-stacks.ts";
import type { StackFrame } from "./stack-frames.ts";

export type OnFulfilled<T, R> = ((value: T) => R | PromiseLike<R>) | null | undefined;
export type OnRejected<R> = ((error: unknown) => R | PromiseLike<R>) | null | undefined;

/** starting: `then` has not returned yet; done: a callback was called, or there was none for the outcome. */
type State = "starting" | "waiting" | "done";

const settled = Promise.resolve();

/**
 * The callbacks that `then` was given inside of a task, and what it gives for them.
 *
 * Mostly that is an `await`, which drops what it is given. So the callbacks are called in the task's own step, and the
 * promise of what they give is only made when somebody asks, or when there is something that must not go unheard.
 */
export class Reaction<T, R> implements Outcome, Promise<R> {
  readonly #loop: BaseEventLoop;
  readonly #onFulfilled: OnFulfilled<T, R>;
  readonly #onRejected: OnRejected<R>;
  #state: State = "starting";
  #promise: PromiseWithResolvers<R> | null = null;

  constructor(loop: BaseEventLoop, onFulfilled: OnFulfilled<T, R>, onRejected: OnRejected<R>) {
    this.#loop = loop;
    this.#onFulfilled = onFulfilled;
    this.#onRejected = onRejected;
  }

  /** `then` returns: from now on a callback may be called. */
  begin(): void {
    this.#state = "waiting";
  }

  returned(value: unknown): void {
    if (this.#state === "starting") {
      this.#afterThen(() => this.returned(value));
      return;
    }
    this.#loop.promiseSettled();
    if (typeof this.#onFulfilled === "function") this.#call(this.#onFulfilled, value as T);
    else this.#fulfill(value as R);
  }

  threw(error: unknown): void {
    if (this.#state === "starting") {
      this.#afterThen(() => this.threw(error));
      return;
    }
    this.#loop.promiseSettled();
    if (typeof this.#onRejected === "function") this.#call(this.#onRejected, error);
    else this.#reject(error);
  }

  stack(): StackFrame[] {
    return asyncStack(this.#onFulfilled, this.#onRejected);
  }

  then<A = R, B = never>(onFulfilled?: OnFulfilled<R, A>, onRejected?: OnRejected<B>): Promise<A | B> {
    return this.#asked().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: OnRejected<B>): Promise<R | B> {
    return this.#asked().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<R> {
    return this.#asked().finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return "Promise";
  }

  #afterThen(call: () => void): void {
    settled.then(call);
  }

  #call<A>(callback: (argument: A) => R | PromiseLike<R>, argument: A): void {
    try {
      this.#fulfill(callback(argument));
    } catch (error) {
      this.#reject(error);
    }
  }

  #fulfill(value: R | PromiseLike<R>): void {
    this.#state = "done";
    if (value !== undefined || this.#promise !== null) this.#made().resolve(value);
  }

  #reject(error: unknown): void {
    this.#state = "done";
    this.#made().reject(error);
  }

  #asked(): Promise<R> {
    const isNew = this.#promise === null;
    const { promise, resolve } = this.#made();
    if (isNew && this.#state === "done") resolve(undefined as R);
    return promise;
  }

  #made(): PromiseWithResolvers<R> {
    this.#promise ??= Promise.withResolvers<R>();
    return this.#promise;
  }
}
