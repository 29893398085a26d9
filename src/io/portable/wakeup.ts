import type { BaseEventLoop } from "../../core/base-events.ts";
import { Handle } from "../../core/handles.ts";

/**
 * A callback for the loop's next turn, which Node's events ask for, however many they are: it runs once for all of them.
 * Always in the context in which this was made.
 */
export class Wakeup {
  readonly #loop: BaseEventLoop;
  readonly #handle: Handle;
  #queued = false;

  constructor(loop: BaseEventLoop, callback: () => void) {
    this.#loop = loop;
    this.#handle = new Handle(
      () => {
        this.#queued = false;
        callback();
      },
      [],
      loop,
    );
  }

  queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#loop.enqueue(this.#handle);
  }
}
