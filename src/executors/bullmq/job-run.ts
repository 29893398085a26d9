import { CancelledError } from "../../core/errors.ts";
import { logger } from "../../core/log.ts";

/** Why a job that runs is to end. */
export type AbortCause = "cancelled" | "timeout" | "shutdown" | "lost";

/** Node's timers reach no further. */
const LONGEST_MILLISECONDS = 2 ** 31 - 1;

/** An attempt to carry out a job, and the ways to end it. */
export class JobRun {
  readonly #name: string;
  readonly #patience: number;
  readonly #controller = new AbortController();
  readonly #abandoned = Promise.withResolvers<never>();
  #timer: NodeJS.Timeout | undefined;
  #cause: AbortCause | null = null;

  /** `patience`: seconds for it to end when it is asked to; then it is not waited for. */
  constructor(name: string, patience: number) {
    this.#name = name;
    this.#patience = patience;
    this.#abandoned.promise.catch(() => {});
  }

  /** Why it was asked to end, or null. */
  get cause(): AbortCause | null {
    return this.#cause;
  }

  abort(cause: AbortCause): void {
    if (this.#cause !== null) return;
    this.#cause = cause;
    this.#controller.abort(new CancelledError());
    this.#timer = setTimeout(() => this.#abandon(), this.#patience * 1000);
  }

  /** Give what `call` gives; it may take `timeout` seconds. */
  async perform<T>(call: (signal: AbortSignal) => PromiseLike<T>, timeout: number | null): Promise<T> {
    const limit = timeout === null ? Number.POSITIVE_INFINITY : timeout * 1000;
    const timer = limit > LONGEST_MILLISECONDS ? undefined : setTimeout(() => this.abort("timeout"), limit);
    try {
      this.#controller.signal.throwIfAborted();
      return await Promise.race([call(this.#controller.signal), this.#abandoned.promise]);
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#timer);
    }
  }

  #abandon(): void {
    logger.warn(
      `${this.#name}() has not ended ${this.#patience} s after it was asked to (${this.#cause}), and goes on`,
    );
    this.#abandoned.reject(new CancelledError());
  }
}
