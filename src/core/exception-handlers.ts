import type { BaseEventLoop } from "./base-events.ts";
import { channels } from "./diagnostics.ts";
import { isFatal } from "./errors.ts";
import type { ExceptionContext, ExceptionHandler } from "./exception-context.ts";
import { currentExecution, runAs } from "./execution.ts";
import { Handle } from "./handles.ts";
import { logger } from "./log.ts";
import { Task } from "./tasks.ts";

const FAILED = "Exception in default exception handler";

/** What goes wrong in a task or callback is told in its context: a logger finds its request there. */
function inContextOf({ task, future, handle }: ExceptionContext, tell: () => void): void {
  const subject: object | undefined = task ?? future ?? handle;
  const context = subject instanceof Task || subject instanceof Handle ? subject.getContext() : null;
  if (context === null) tell();
  else runAs({ task: currentExecution()?.task ?? null, context }, tell);
}

/** Whom a loop tells of errors that nobody else can be given: the program's handler, or the loop's own. */
export class ExceptionHandlers {
  readonly #loop: BaseEventLoop;
  custom: ExceptionHandler | null = null;

  constructor(loop: BaseEventLoop) {
    this.#loop = loop;
  }

  /** Throws KeyboardInterrupt and SystemExit of a handler, and nothing else. */
  tell(context: ExceptionContext): void {
    if (channels.exception.hasSubscribers) channels.exception.publish({ loop: this.#loop, context });
    if (this.custom === null) this.#tellDefault(context, FAILED);
    else this.#tellCustom(this.custom, context);
  }

  #tellCustom(handler: ExceptionHandler, context: ExceptionContext): void {
    try {
      inContextOf(context, () => handler(this.#loop, context));
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      const message = "Unhandled error in exception handler";
      const complaint = `${FAILED} while handling an unexpected error in custom exception handler`;
      this.#tellDefault({ message, exception, context }, complaint);
    }
  }

  /** A subclass may have a default handler of its own. */
  #tellDefault(context: ExceptionContext, complaint: string): void {
    try {
      this.#loop.defaultExceptionHandler(context);
    } catch (error) {
      if (isFatal(error)) throw error;
      logger.error(complaint, error);
    }
  }
}
