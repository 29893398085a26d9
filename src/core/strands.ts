import { types } from "node:util";
import { type Awaitable, ForeignIterator, type Outcome, type Suspension } from "./awaitables.ts";
import { generatorStack } from "./call-stacks.ts";
import { RuntimeError } from "./errors.ts";
import { type Execution, Frame, onTheStack } from "./execution.ts";
import { describeValue } from "./format-helpers.ts";
import { Future, NO_ERROR } from "./futures.ts";
import type { Runnable } from "./handles.ts";
import { append, type Linked, remove } from "./linked-list.ts";
import type { StackFrame } from "./stack-frames.ts";
import type { Task } from "./tasks.ts";

/**
 * One line of execution inside a task: it drives one awaitable to its end, from wait to wait.
 *
 * A generator task has one strand, its body. An async function is driven by JavaScript; each `await` of ours in it is
 * a strand of its own, and `Promise.all` makes several at once. Everything that starts to wait does so here, in
 * `suspend`.
 */
export class Strand implements Runnable, Linked<Strand> {
  readonly #task: Task<unknown>;
  /** What it drives; null once it has begun, for nothing of it is needed then but its iterator. */
  #awaitable: Awaitable<unknown> | null;
  readonly #outcome: Outcome;
  /** What its next step is to run in; null where JavaScript will be in it already. */
  #frame: Frame | null;
  readonly #execution: Execution;
  #iterator: Iterator<Suspension, unknown, unknown> | null = null;
  /** The future that it waits for: what cancelling the task cancels. */
  waitingOn: Future<unknown> | null = null;
  /** Neighbours among those of the task that wait. */
  previous: Strand | null = null;
  next: Strand | null = null;

  /** `execution` differs from the task where the wait began inside of `Context.run`. Without a `frame` it begins in this one. */
  constructor(
    task: Task<unknown>,
    awaitable: Awaitable<unknown>,
    outcome: Outcome,
    execution: Execution,
    frame: Frame | null = null,
  ) {
    this.#task = task;
    this.#awaitable = awaitable;
    this.#outcome = outcome;
    this.#frame = frame;
    this.#execution = execution;
  }

  /** Whose steps these are. */
  get subject(): Task<unknown> {
    return this.#task;
  }

  /** Run to the first wait at once: awaiting something takes no turn of the loop. */
  start(): void {
    this.enter(Strand.#begin);
  }

  /** The loop's turn: what it waited for is done, or it had given up a turn. */
  run(): void {
    this.enter(Strand.#step);
  }

  /** Give up the wait, and go on with `error`. */
  interrupt(error: unknown): void {
    const future = this.waitingOn;
    if (future === null) return;
    future.removeWaiter(this);
    future.addWaiter({ run: () => future.takeError() });
    this.waitingOn = null;
    remove(this.#task, this);
    this.throwSoon(error);
  }

  /** Where it waits, and who waits for it, innermost frame first. */
  stack(): StackFrame[] {
    const frames = this.#iterator === null ? [] : generatorStack(this.#iterator);
    return [...frames, ...this.#outcome.stack()];
  }

  private enter(step: (strand: Strand) => void): void {
    if (this.#frame === null) onTheStack(this.#execution, step, this);
    else this.#frame.resume(this.#execution, step, this);
  }

  static #begin(strand: Strand): void {
    strand.advance(NO_ERROR, undefined);
  }

  static #step(strand: Strand): void {
    strand.takeStep();
  }

  private takeStep(): void {
    let error: unknown = NO_ERROR;
    const future = this.waitingOn;
    if (future !== null) {
      this.waitingOn = null;
      remove(this.#task, this);
      error = future.takeError();
    }
    this.advance(this.#task.takeCancellation(error), undefined);
  }

  private advance(error: unknown, value: unknown): void {
    let result: IteratorResult<Suspension, unknown>;
    try {
      result = error === NO_ERROR ? this.resume(value) : this.throw(error);
    } catch (failure) {
      this.#outcome.threw(failure);
      return;
    }
    if (result.done) this.#outcome.returned(result.value);
    else this.suspend(result.value);
  }

  private resume(value: unknown): IteratorResult<Suspension, unknown> {
    this.#iterator ??= this.begun();
    return this.#iterator.next(value);
  }

  private begun(): Iterator<Suspension, unknown, unknown> {
    const awaitable = this.#awaitable!;
    this.#awaitable = null;
    return awaitable[Symbol.iterator]();
  }

  private throw(error: unknown): IteratorResult<Suspension, unknown> {
    if (this.#iterator?.throw) return this.#iterator.throw(error);
    throw error;
  }

  private suspend(suspension: Suspension): void {
    if (suspension instanceof ForeignIterator) {
      this.waitForForeign(suspension.promise);
      return;
    }
    // What `enterWith` of an AsyncLocalStorage changed is there after the wait, as in an async function.
    this.#frame = new Frame();
    if (suspension === undefined) this.#task.loop.enqueue(this);
    else if (suspension instanceof Future) this.waitFor(suspension);
    else this.misused(`Task got bad yield: ${describeValue(suspension)}`);
  }

  private waitFor(future: Future<unknown>): void {
    const task = this.#task;
    if (future.loop !== task.loop) {
      this.misused(`Task ${task} got Future ${future} attached to a different loop`);
    } else if (!future.blocking) {
      this.misused(`yield was used instead of yield* in task ${task} with ${future}`);
    } else if (future === task) {
      this.misused(`Task cannot await on itself: ${task}`);
    } else {
      future.blocking = false;
      this.waitingOn = future;
      append(task, this);
      future.addWaiter(this);
      task.cancelNewWait(future);
    }
  }

  /**
   * JavaScript goes on here by itself, in a microtask: as a part of the step in which the promise was settled, or,
   * for a promise of somebody else, between two steps. It restores the frame for promises of its own; what another
   * thenable calls, it calls wherever it is.
   */
  private waitForForeign(promise: PromiseLike<unknown>): void {
    this.#task.loop.promiseSettled();
    append(this.#task, this);
    this.#frame = types.isPromise(promise) ? null : new Frame();
    // Each async function waits here for its end, and two closures would take twice the memory.
    promise.then(this.fulfilled.bind(this), this.rejected.bind(this));
  }

  private fulfilled(value: unknown): void {
    this.foreignDone(NO_ERROR, value);
  }

  private rejected(error: unknown): void {
    this.foreignDone(error, undefined);
  }

  private foreignDone(error: unknown, value: unknown): void {
    remove(this.#task, this);
    this.enter(() => this.advance(error, value));
  }

  /** Misuse is thrown at the place of the misuse, in the next iteration, as in CPython. */
  private misused(message: string): void {
    this.throwSoon(new RuntimeError(message));
  }

  private throwSoon(error: unknown): void {
    const task = this.#task;
    const run = () => this.enter(() => this.advance(task.takeCancellation(error), undefined));
    task.loop.enqueue({ run, subject: task });
  }
}
