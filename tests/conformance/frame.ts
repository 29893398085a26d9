import type { Awaitable } from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { perform } from "./ops.ts";
import type { Program } from "./program.ts";
import type { Body } from "./scenario.ts";
import type { Completion } from "./table.ts";

/** One call of a coroutine, generator or callback: who it is in the trace, and how it waits. */
export class Frame {
  readonly program: Program;
  readonly flavour: Flavour;
  /** The errors of the `except` bodies around the op that runs now, the innermost last. */
  readonly handled: unknown[] = [];
  readonly #who: string;

  constructor(program: Program, who: string, flavour = program.flavour) {
    this.program = program;
    this.flavour = flavour;
    this.#who = who;
  }

  log(event: string, ...details: unknown[]): void {
    this.program.log(this.#who, event, ...details);
  }

  wait<T>(awaitable: Awaitable<T>): Steps<T> {
    return this.flavour.on(awaitable);
  }

  /** Run the ops in turn, up to a `ret`. Only ops themselves wait: there is no turn of the loop between two of them. */
  *run(body: Body): Steps<Completion> {
    for (const op of body) {
      const completion = yield* perform(this, op);
      if (completion !== null) return completion;
    }
    return null;
  }
}
