import type { BaseEventLoop } from "../core/base-events.ts";
import { warnUnclosed } from "../core/debug.ts";
import { isWatched } from "../io/unclosed.ts";

/** A process that we have started, and that has not exited yet. */
interface Child {
  /** End it at once, with its group if that is its own. Never throws. */
  killAll(): void;
  /** As {@link killAll}, and count as closed: the loop closes the pipes by itself, and tells nobody. */
  abandon(): void;
}

const running = new Map<Child, BaseEventLoop>();
let watchesExit = false;

/** `child` runs: it is to survive neither its loop nor this process. */
export function begun(child: Child, loop: BaseEventLoop): void {
  running.set(child, loop);
  if (watchesExit) return;
  watchesExit = true;
  process.on("exit", killAll);
}

/** `child` has exited. */
export function ended(child: Child): void {
  running.delete(child);
}

/** The loop is closed: warn of the processes that are left, and kill them. */
export function closeChildren(loop: BaseEventLoop): void {
  for (const [child, owner] of running) {
    if (owner !== loop) continue;
    if (!isWatched(child)) warnUnclosed(`transport ${child}`, loop);
    child.abandon();
  }
}

function killAll(): void {
  for (const child of running.keys()) child.killAll();
}
