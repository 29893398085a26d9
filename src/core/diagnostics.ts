import { channel } from "node:diagnostics_channel";
import type { BaseEventLoop } from "./base-events.ts";
import type { ExceptionContext } from "./exception-context.ts";
import type { Future } from "./futures.ts";
import type { Handle } from "./handles.ts";
import type { Task } from "./tasks.ts";

/** What debug mode warns of. */
export type WarningKind = "swallowed-cancellation" | "stuck-task" | "unclosed";

/**
 * The channels of `node:diagnostics_channel` that the library publishes on, with what is published. Nothing is made, and
 * next to nothing spent, while nobody subscribes.
 *
 * A subscriber is called in the middle of what it is told of, so it should only take note. What it throws does not reach
 * the loop: Node makes an uncaught exception of it.
 */
export interface DiagnosticsMessages {
  /** A task was made; nothing of it has run. */
  "asyncio:task:create": { readonly task: Task<unknown> };
  /** Somebody asked the task to end. */
  "asyncio:task:cancel": { readonly task: Task<unknown>; readonly message: string | undefined };
  /** The task has its outcome. */
  "asyncio:task:done": { readonly task: Task<unknown> };
  /** The loop begins to run. */
  "asyncio:loop:start": { readonly loop: BaseEventLoop };
  /** The run is over, in whatever way. */
  "asyncio:loop:stop": { readonly loop: BaseEventLoop };
  /** The loop was closed. */
  "asyncio:loop:close": { readonly loop: BaseEventLoop };
  /** A step took at least `loop.slowCallbackDuration`, where that is measured. */
  "asyncio:callback:slow": {
    readonly loop: BaseEventLoop;
    /** Whose step it was; a future, where plain code that awaits it went on. */
    readonly callback: Handle | Future<unknown>;
    readonly seconds: number;
  };
  /** Everything that the loop's exception handler is told, before it is. */
  "asyncio:exception": { readonly loop: BaseEventLoop; readonly context: ExceptionContext };
  /** What debug mode warns of, apart from slow steps. */
  "asyncio:warning": {
    /** Null where the loop itself was garbage collected. */
    readonly loop: BaseEventLoop | null;
    readonly kind: WarningKind;
    readonly message: string;
    readonly task?: Task<unknown>;
  };
}

interface TypedChannel<M> {
  readonly hasSubscribers: boolean;
  publish(message: M): void;
}

function typed<N extends keyof DiagnosticsMessages>(name: N): TypedChannel<DiagnosticsMessages[N]> {
  return channel(name);
}

/** @internal Whoever publishes asks `hasSubscribers` first, so that the message need not be made. */
export const channels = {
  taskCreate: typed("asyncio:task:create"),
  taskCancel: typed("asyncio:task:cancel"),
  taskDone: typed("asyncio:task:done"),
  loopStart: typed("asyncio:loop:start"),
  loopStop: typed("asyncio:loop:stop"),
  loopClose: typed("asyncio:loop:close"),
  callbackSlow: typed("asyncio:callback:slow"),
  exception: typed("asyncio:exception"),
  warning: typed("asyncio:warning"),
} as const;
