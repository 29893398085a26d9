import type { BullmqFuture } from "./future.ts";
import type { Outcome } from "./outcome.ts";

/** The futures of this process that are not done, by the ids of their jobs. */
export class Followers {
  readonly #byId = new Map<string, Set<BullmqFuture>>();

  add(future: BullmqFuture): void {
    const others = this.#byId.get(future.id);
    if (others === undefined) this.#byId.set(future.id, new Set([future]));
    else others.add(future);
    future.addDoneCallback(() => this.#drop(future));
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** How many jobs they are of. */
  get size(): number {
    return this.#byId.size;
  }

  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  get futures(): BullmqFuture[] {
    return [...this.#byId.values()].flatMap((futures) => [...futures]);
  }

  /** Tell those of a job how far it is. */
  tell(id: string, outcome: Outcome): void {
    for (const future of [...(this.#byId.get(id) ?? [])]) future.follow(outcome);
  }

  /** There is no such job. */
  fail(id: string, error: unknown): void {
    for (const future of [...(this.#byId.get(id) ?? [])]) future.fail(error);
  }

  #drop(future: BullmqFuture): void {
    const futures = this.#byId.get(future.id);
    futures?.delete(future);
    if (futures?.size === 0) this.#byId.delete(future.id);
  }
}
