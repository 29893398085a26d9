import type { BaseEventLoop } from "./base-events.ts";
import { type CreationStack, withCreationStack } from "./creation-stacks.ts";
import { channels, type WarningKind } from "./diagnostics.ts";
import type { Future } from "./futures.ts";
import type { Handle, TimerHandle } from "./handles.ts";
import { logger } from "./log.ts";
import type { Task } from "./tasks.ts";

/** A step has taken so long. */
export function tellSlow(loop: BaseEventLoop, callback: Handle | Future<unknown>, seconds: number): void {
  const message = `Executing ${describe(callback)} took ${seconds.toFixed(3)} seconds`;
  logger.warn(withCreationStack(message, callback.sourceTraceback));
  if (channels.callbackSlow.hasSubscribers) channels.callbackSlow.publish({ loop, callback, seconds });
}

/** The task was to end, and returned as if nothing had been. */
export function warnSwallowed(task: Task<unknown>): void {
  warnOfTask(
    task,
    "swallowed-cancellation",
    "was cancelled, but caught the CancelledError and returned: throw it on, " +
      "or call uncancel() where the request has been dealt with",
  );
}

/**
 * Warn, after a while, unless the timer is cancelled: a cancellation of the task has not been delivered. Null where that
 * is not to be watched.
 */
export function watchDelivery(task: Task<unknown>): TimerHandle | null {
  const { loop } = task;
  const seconds = loop.slowCallbackDuration;
  if (!loop.getDebug() || loop.isClosed() || seconds === Number.POSITIVE_INFINITY) return null;
  return loop.callLater(seconds, () => {
    if (task.waitingOn === null && task.first !== null) warnStuck(task);
  });
}

function warnStuck(task: Task<unknown>): void {
  warnOfTask(
    task,
    "stuck-task",
    "was cancelled, but waits for a promise that is not of this library, and cannot be interrupted: " +
      "await ensureFuture(promise) instead, or give currentSignal() to what made the promise",
  );
}

function warnOfTask(task: Task<unknown>, kind: WarningKind, what: string): void {
  const message = `${describe(task)} ${what}`;
  logger.warn(withCreationStack(message, task.sourceTraceback));
  if (channels.warning.hasSubscribers) channels.warning.publish({ loop: task.loop, kind, message, task });
}

/** A result of the program's own is shown by code of the program's own. */
function describe(subject: Handle | Future<unknown>): string {
  try {
    return String(subject);
  } catch {
    return `<${subject.constructor.name}>`;
  }
}

/** A ResourceWarning of Node's. `loop` is null where it is gone. */
export function warnUnclosed(
  what: string,
  loop: BaseEventLoop | null,
  stack: CreationStack | null = null,
): void {
  const message = `unclosed ${what}`;
  const detail = withCreationStack("", stack).trimStart();
  process.emitWarning(message, { type: "ResourceWarning", ...(detail !== "" && { detail }) });
  if (channels.warning.hasSubscribers) channels.warning.publish({ loop, kind: "unclosed", message });
}

const openLoops = new FinalizationRegistry<string>((name) => warnUnclosed(`event loop <${name}>`, null));

/** Warn if the loop is garbage collected before it is closed: it may hold a file descriptor. */
export function watchLoop(loop: BaseEventLoop): void {
  unwatchLoop(loop);
  openLoops.register(loop, loop.constructor.name, loop);
}

export function unwatchLoop(loop: BaseEventLoop): void {
  openLoops.unregister(loop);
}
