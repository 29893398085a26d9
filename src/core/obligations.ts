/**
 * Something that an object still owes: an error that somebody should look at, a coroutine that somebody should await, a
 * connection that somebody should close. What is still owed when the object is garbage collected, or when the loop
 * closes, is told. The report must not refer to its owner, or that would never be collected.
 */
export class Obligations<R> {
  readonly #tell: (report: R) => void;
  readonly #open = new Set<Obligation<R>>();
  readonly #registry = new FinalizationRegistry<Obligation<R>>((obligation) => this.#report(obligation));

  constructor(tell: (report: R) => void) {
    this.#tell = tell;
  }

  add(owner: object, report: R): Obligation<R> {
    const obligation: Obligation<R> = {
      report,
      settle: () => {
        if (this.#open.delete(obligation)) this.#registry.unregister(obligation);
      },
    };
    this.#open.add(obligation);
    this.#registry.register(owner, obligation, obligation);
    return obligation;
  }

  /** Report all that is still owed. */
  callIn(): void {
    for (const obligation of this.#open) this.#report(obligation);
  }

  #report(obligation: Obligation<R>): void {
    if (!this.#open.has(obligation)) return;
    obligation.settle();
    this.#tell(obligation.report);
  }
}

export interface Obligation<R = unknown> {
  readonly report: R;
  settle(): void;
}
