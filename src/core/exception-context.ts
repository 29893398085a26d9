import type { BaseEventLoop } from "./base-events.ts";
import type { Future } from "./futures.ts";
import type { Handle } from "./handles.ts";
import type { Task } from "./tasks.ts";

/**
 * What the exception handler is told about an error that nobody could be given. Python: the `context` dict of
 * `loop.call_exception_handler`.
 */
export interface ExceptionContext {
  /** What happened, in a sentence. */
  message: string;
  exception?: unknown;
  future?: Future<unknown>;
  task?: Task<unknown>;
  handle?: Handle;
  protocol?: object;
  transport?: object;
  socket?: object;
  asyncgen?: object;
  /** Where the thing was made (debug mode). */
  sourceTraceback?: string;
  [key: string]: unknown;
}

/** Python: the function given to `loop.set_exception_handler`. */
export type ExceptionHandler = (loop: BaseEventLoop, context: ExceptionContext) => void;
