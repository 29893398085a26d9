import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import type { Future } from "../core/futures.ts";
import type { Runnable } from "../core/handles.ts";

/**
 * So many coroutines run at the same time, the others wait in line. A semaphore would hand out its places when tasks
 * take their first step; here they are taken when a coroutine is admitted, so that an eager task overtakes nobody.
 */
export class Places {
  #free: number;
  readonly #line = new Set<Future<void>>();

  constructor(count: number) {
    this.#free = count;
  }

  /** How many have not been let in yet. */
  get waiting(): number {
    return this.#line.size;
  }

  /** A coroutine that runs `coroutine` as soon as there is a place. RuntimeError if it was awaited before. */
  admit<T>(coroutine: Coroutine<T>, loop: BaseEventLoop): Coroutine<T> {
    coroutine.schedule();
    return new Guest(coroutine, this, loop);
  }

  /** @internal Null if there is a place, else what to wait for: it is done when one was given to us. */
  enter(loop: BaseEventLoop): Future<void> | null {
    if (this.#free > 0) {
      this.#free--;
      return null;
    }
    const turn = loop.createFuture<void>();
    this.#line.add(turn);
    return turn;
  }

  /** @internal The place of who came by `turn` is free; one who still waits has none, and only leaves the line. */
  leave(turn: Future<void> | null): void {
    const hasPlace = turn === null || (turn.done() && !turn.cancelled());
    if (!hasPlace) this.#line.delete(turn);
    else if (!this.#letNextIn()) this.#free++;
  }

  #letNextIn(): boolean {
    for (const turn of this.#line) {
      this.#line.delete(turn);
      if (turn.done()) continue;
      turn.setResult(undefined);
      return true;
    }
    return false;
  }
}

/** Gives its place back when its task is done, whether it ever ran or not. */
class Guest<T> extends Coroutine<T> {
  readonly #coroutine: Coroutine<T>;
  readonly #leave: Runnable;
  readonly #loop: BaseEventLoop;

  constructor(coroutine: Coroutine<T>, places: Places, loop: BaseEventLoop) {
    const turn = places.enter(loop);
    super(() => runWhenIn(coroutine, turn), coroutine.name);
    this.#coroutine = coroutine;
    this.#leave = { run: () => places.leave(turn) };
    this.#loop = loop;
  }

  /** The place is free an iteration later: if the task failed, its group cancels the next one before that begins. */
  override finished(): void {
    super.finished();
    this.#coroutine.finished();
    this.#loop.enqueue(this.#leave);
  }
}

function* runWhenIn<T>(coroutine: Coroutine<T>, turn: Future<void> | null) {
  if (turn !== null) yield* turn;
  return yield* coroutine;
}
