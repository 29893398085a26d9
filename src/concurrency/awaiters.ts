import type { BaseEventLoop } from "../core/base-events.ts";
import { Future } from "../core/futures.ts";

type AnyFuture = Future<unknown>;

/** Edges that somebody has told of, from a future to who waits for it. */
const told = new WeakMap<AnyFuture, Set<AnyFuture>>();

/**
 * Have the call graph show that `waiter` waits for `future`: for code that waits by a callback. What a task awaits is
 * known without. Nothing happens unless both are futures. Each needs its {@link futureDiscardFromAwaitedBy}, or
 * `future` keeps `waiter` alive. Python: `asyncio.future_add_to_awaited_by`.
 */
export function futureAddToAwaitedBy(future: unknown, waiter: unknown): void {
  if (future instanceof Future && waiter instanceof Future) addTo(told, future, waiter);
}

/** Take back {@link futureAddToAwaitedBy}; nothing happens if there is nothing to take back. Python: `asyncio.future_discard_from_awaited_by`. */
export function futureDiscardFromAwaitedBy(future: unknown, waiter: unknown): void {
  if (future instanceof Future && waiter instanceof Future) told.get(future)?.delete(waiter);
}

/** Who waits for what in a loop at this moment: what its tasks wait for, turned round. */
export class Awaiters {
  readonly #tasks = new Map<AnyFuture, Set<AnyFuture>>();
  /** Futures like that of a `gather`: whoever waits for it waits for its members. */
  readonly #combinations = new Map<AnyFuture, Set<AnyFuture>>();

  constructor(loop: BaseEventLoop) {
    for (const task of loop.tasks) {
      for (const { waitingOn } of task.waits) {
        if (waitingOn === null) continue;
        addTo(this.#tasks, waitingOn, task);
        this.#lookInto(waitingOn);
      }
    }
  }

  /** Who waits for `future`, each once. */
  of(future: AnyFuture): Set<AnyFuture> {
    const found = new Set<AnyFuture>();
    const ways = new Set([future]);
    for (const way of ways) {
      for (const task of this.#tasks.get(way) ?? []) found.add(task);
      for (const waiter of told.get(way) ?? []) found.add(waiter);
      for (const combination of this.#combinations.get(way) ?? []) ways.add(combination);
    }
    return found;
  }

  #lookInto(future: AnyFuture): void {
    const combinations = new Set([future]);
    for (const combination of combinations) {
      for (const member of combination.members ?? []) {
        if (member.done()) continue;
        addTo(this.#combinations, member, combination);
        combinations.add(member);
      }
    }
  }
}

interface Edges {
  get(from: AnyFuture): Set<AnyFuture> | undefined;
  set(from: AnyFuture, to: Set<AnyFuture>): unknown;
}

function addTo(edges: Edges, from: AnyFuture, to: AnyFuture): void {
  const others = edges.get(from);
  if (others) others.add(to);
  else edges.set(from, new Set([to]));
}
