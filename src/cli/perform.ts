import type { BaseEventLoop } from "../core/base-events.ts";
import { toCoroutine } from "../core/coroutines.ts";
import { isFatal } from "../core/errors.ts";
import type { Perform } from "../executors/bullmq/worker.ts";
import { evaluate, Performer } from "../executors/perform.ts";
import type { ThreadPoolExecutor } from "../executors/thread.ts";
import { work as named } from "../executors/work.ts";

type Outcome = { readonly value: unknown } | { readonly fatal: unknown };

/** Each call is a task of `loop`. */
export function inLoop(loop: BaseEventLoop): Perform {
  const performer = new Performer(async (coroutine) => await toCoroutine(coroutine as Generator));
  return async (work, args, signal) => {
    const body = async (): Promise<Outcome> => {
      try {
        return { value: await performer.call(work, args, signal) };
      } catch (error) {
        // A job must not end the worker by throwing SystemExit.
        if (isFatal(error)) return { fatal: error };
        throw error;
      }
    };
    const outcome = await loop.createTask<Outcome>(body, { signal });
    if ("fatal" in outcome) throw outcome.fatal;
    return outcome.value;
  };
}

/** Each call is a job of `pool`; one that is asked to end has `patience` seconds, and then its thread is ended. */
export function inThreads(pool: ThreadPoolExecutor, patience: number): Perform {
  return (work, args, signal) => {
    const limited = pool.with({ signal, terminate: patience });
    if (work.kind === "source") return limited.submit(evaluate(work.source, work.name), ...args);
    return limited.submit(named<(...args: unknown[]) => unknown>(work.module, work.name), ...args);
  };
}
