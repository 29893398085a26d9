import { timeout as withTimeout } from "../concurrency/timeouts.ts";
import type { Suspension } from "../core/awaitables.ts";
import { assertSeconds } from "../core/callback-arguments.ts";
import { RuntimeError, TimeoutError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";
import { ThreadPoolExecutor } from "./thread.ts";

/** A loop's executor for work for which none is named: a pool of threads, made when it is first needed. */
export class DefaultExecutor {
  #pool: ThreadPoolExecutor | null = null;
  #isShutDown = false;

  /** Throws RuntimeError after the shutdown. */
  get(): ThreadPoolExecutor {
    if (this.#isShutDown) throw new RuntimeError("Executor shutdown has been called");
    this.#pool ??= new ThreadPoolExecutor({ threadNamePrefix: "asyncio" });
    return this.#pool;
  }

  /** The previous one is left alone. Throws TypeError for anything but a pool of threads. */
  set(pool: ThreadPoolExecutor): void {
    if (!(pool instanceof ThreadPoolExecutor)) {
      throw new TypeError(`executor must be a ThreadPoolExecutor, not ${describeValue(pool)}`);
    }
    this.#pool = pool;
  }

  /** Wait until all is done, for at most `timeout` seconds; then a warning names what is not. */
  *shutdown(timeout: number | null): Generator<Suspension, void, unknown> {
    this.#isShutDown = true;
    const pool = this.#pool;
    if (pool === null) return;
    try {
      const ended = pool.shutdown();
      yield* withTimeout(timeout, () => ended);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      const late = `The executor did not finish joining its threads within ${timeout} seconds: ${pool.unfinished()}`;
      process.emitWarning(late, "RuntimeWarning");
    }
  }

  /** Without waiting. */
  close(): void {
    this.#pool?.shutdown({ wait: false });
    this.#pool = null;
  }
}

/** Throws TypeError unless `timeout` is null or a number, ValueError if it is NaN. */
export function assertTimeout(timeout: number | null): void {
  if (timeout !== null) assertSeconds(timeout, "timeout");
}
