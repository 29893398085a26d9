import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { getRunningLoop } from "../core/events.ts";
import { type Future, NO_ERROR, setResultUnlessDone } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";
import type { Waiting } from "./backend.ts";

/**
 * Try `attempts` in their order, each in a task: the next one starts when the last one has failed, or after `delay`
 * seconds. Gives what the first one gives that succeeds, or null if all have failed: an attempt fails by giving null.
 * When this returns, no attempt is left: the others were cancelled, and `discard` took what one of them gave all the
 * same.
 *
 * Throws what an attempt throws. Cancel safety: the attempts are cancelled and awaited, and what they give is discarded.
 * Python: `asyncio.staggered.staggered_race`.
 */
export function* staggeredRace<T>(
  attempts: readonly (() => Waiting<T | null>)[],
  delay: number,
  discard: (value: T) => void,
): Waiting<T | null> {
  const race = new Race(getRunningLoop(), discard);
  try {
    yield* race.run(attempts, delay);
  } catch (error) {
    race.giveUp();
    yield* race.settled();
    throw error;
  }
  return race.result();
}

class Race<T> {
  readonly #loop: BaseEventLoop;
  readonly #discard: (value: T) => void;
  readonly #running = new Set<Task<T | null>>();
  #winner: { readonly value: T } | null = null;
  #error: unknown = NO_ERROR;
  #givenUp = false;
  /** Done when the condition that is waited for holds. */
  #waiter: Future<void> | null = null;
  #condition: () => boolean = () => false;

  constructor(loop: BaseEventLoop, discard: (value: T) => void) {
    this.#loop = loop;
    this.#discard = discard;
  }

  *run(attempts: readonly (() => Waiting<T | null>)[], delay: number): Waiting<void> {
    for (const attempt of attempts) {
      const task = this.#start(attempt);
      yield* this.#until(() => this.#decided || !this.#running.has(task), delay);
      if (this.#decided) break;
    }
    yield* this.#until(() => this.#decided || this.#running.size === 0);
    this.#cancel();
    yield* this.settled();
  }

  /** Wait until no attempt is left. */
  settled(): Waiting<void> {
    return this.#until(() => this.#running.size === 0);
  }

  result(): T | null {
    if (this.#error === NO_ERROR) return this.#winner?.value ?? null;
    this.giveUp();
    throw this.#error;
  }

  /** Nobody wants to know who wins. */
  giveUp(): void {
    this.#givenUp = true;
    if (this.#winner !== null) this.#discard(this.#winner.value);
    this.#winner = null;
    this.#cancel();
  }

  get #decided(): boolean {
    return this.#winner !== null || this.#error !== NO_ERROR;
  }

  #start(attempt: () => Waiting<T | null>): Task<T | null> {
    const task = this.#loop.createTask(new Coroutine(attempt, "staggered attempt"));
    this.#running.add(task);
    task.addDoneCallback(() => this.#ended(task));
    return task;
  }

  #ended(task: Task<T | null>): void {
    this.#running.delete(task);
    const cancelled = task.cancelled();
    const error = task.takeError();
    if (error === NO_ERROR) this.#succeeded(task.result());
    else if (!cancelled && this.#error === NO_ERROR) this.#error = error;
    if (this.#waiter !== null && this.#condition()) setResultUnlessDone(this.#waiter, undefined);
  }

  #succeeded(value: T | null): void {
    if (value === null) return;
    if (this.#winner === null && !this.#givenUp) this.#winner = { value };
    else this.#discard(value);
  }

  #cancel(): void {
    for (const task of this.#running) task.cancel();
  }

  /** Wait until `condition` holds, for `seconds` at the longest. */
  *#until(condition: () => boolean, seconds: number | null = null): Waiting<void> {
    if (condition()) return;
    const waiter = this.#loop.createFuture<void>();
    const timer =
      seconds === null ? null : this.#loop.callLater(seconds, setResultUnlessDone<void>, waiter, undefined);
    this.#waiter = waiter;
    this.#condition = condition;
    try {
      yield* waiter;
    } finally {
      timer?.cancel();
      this.#waiter = null;
    }
  }
}
