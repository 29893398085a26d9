import type { Handle } from "../../core/handles.ts";
import type { Waiting } from "../backend.ts";
import { Waiters } from "../flow-control.ts";
import type { Direction, SelectorEvents } from "./selector-events.ts";

/** Who waits for an fd, and how the loop is to tell them. */
interface Watch {
  readonly waiters: Waiters;
  readonly handle: Handle;
}

/**
 * Lets tasks wait until an fd is ready. Several may wait for the same: all are woken, and go on in the order in which
 * they came. (In CPython the last one takes the place of the others, which then wait for ever.)
 */
export class Readiness {
  readonly #events: SelectorEvents;
  readonly #watches: Readonly<Record<Direction, Map<number, Watch>>> = {
    reader: new Map(),
    writer: new Map(),
  };

  constructor(events: SelectorEvents) {
    this.#events = events;
  }

  /** Wait until `fd` is ready. It takes nothing from the fd, so a cancellation loses nothing. */
  *wait(direction: Direction, fd: number): Waiting<void> {
    const watch = this.#watch(direction, fd);
    try {
      yield* watch.waiters.wait();
    } finally {
      if (watch.waiters.isEmpty()) this.#unwatch(direction, fd, watch.waiters);
    }
  }

  #watch(direction: Direction, fd: number): Watch {
    const found = this.#watches[direction].get(fd);
    if (found?.handle.cancelled() === false) return found;
    const waiters = found?.waiters ?? new Waiters(this.#events.loop);
    const handle = this.#events.add(direction, fd, () => waiters.release(null));
    const watch = { waiters, handle };
    this.#watches[direction].set(fd, watch);
    return watch;
  }

  /** Where somebody else watches the fd by now, that stays. */
  #unwatch(direction: Direction, fd: number, waiters: Waiters): void {
    const watch = this.#watches[direction].get(fd);
    if (watch?.waiters !== waiters) return;
    this.#watches[direction].delete(fd);
    if (!watch.handle.cancelled()) this.#events.remove(direction, fd);
  }
}
