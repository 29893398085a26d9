import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { Inspectable } from "../core/inspectable.ts";

/**
 * A primitive may be made before any loop runs: it belongs to the loop in which a task first waits at it.
 * Python: `mixins._LoopBoundMixin`.
 */
export abstract class LoopBound extends Inspectable {
  #loop: BaseEventLoop | null = null;

  /** The running loop. Throws RuntimeError if the primitive belongs to another one. */
  protected get loop(): BaseEventLoop {
    const loop = getRunningLoop();
    this.#loop ??= loop;
    if (this.#loop !== loop) throw new RuntimeError(`${this} is bound to a different event loop`);
    return loop;
  }
}
