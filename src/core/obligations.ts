import type { BaseEventLoop } from "./base-events.ts";
import type { ExceptionContext } from "./exception-context.ts";

/**
 * Something that an object still owes: an error that somebody should look at, a coroutine that somebody should await.
 * What is still owed when the object is garbage collected, or when the loop closes, is reported to the loop's
 * exception handler. The record must not refer to its owner, or that would never be collected.
 */
export class Obligations {
  readonly #loop: BaseEventLoop;
  readonly #open = new Set<Obligation>();
  readonly #registry = new FinalizationRegistry<Obligation>((obligation) => this.#report(obligation));

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  add(owner: object, report: ExceptionContext): Obligation {
    const obligation: Obligation = {
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

  #report(obligation: Obligation): void {
    if (!this.#open.has(obligation)) return;
    obligation.settle();
    this.#loop.callExceptionHandler(obligation.report);
  }
}

export interface Obligation {
  readonly report: ExceptionContext;
  settle(): void;
}
