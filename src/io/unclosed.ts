import type { BaseEventLoop } from "../core/base-events.ts";
import { CreationStack } from "../core/creation-stacks.ts";
import { warnUnclosed } from "../core/debug.ts";
import { type Obligation, Obligations } from "../core/obligations.ts";

interface Unclosed {
  /** What it is, as it was when it was made and as it is now: it may be gone. */
  describe(): string;
  readonly stack: CreationStack;
}

/** What a loop in debug mode has open. */
const open = new WeakMap<BaseEventLoop, Obligations<Unclosed>>();
const watched = new WeakSet<object>();

/**
 * In debug mode, a ResourceWarning is emitted unless `owner`, a "transport" or the like, settles this before it is
 * collected and before the loop closes.
 */
export function mustBeClosed(owner: object, kind: string, loop: BaseEventLoop): Obligation | null {
  if (!loop.getDebug()) return null;
  const atFirst = String(owner);
  const owners = new WeakRef(owner);
  watched.add(owner);
  return obligationsOf(loop).add(owner, {
    describe: () => `${kind} ${owners.deref() ?? atFirst}`,
    stack: CreationStack.here(),
  });
}

/** Whether it was warned of, or will be, if it is not closed. */
export function isWatched(owner: object): boolean {
  return watched.has(owner);
}

/** The loop is closed: warn of all that is left. */
export function warnOfUnclosed(loop: BaseEventLoop): void {
  open.get(loop)?.callIn();
}

function obligationsOf(loop: BaseEventLoop): Obligations<Unclosed> {
  let obligations = open.get(loop);
  if (obligations === undefined) {
    const loops = new WeakRef(loop);
    obligations = new Obligations(({ describe, stack }) =>
      warnUnclosed(describe(), loops.deref() ?? null, stack),
    );
    open.set(loop, obligations);
  }
  return obligations;
}
