/** What the tests of task groups share. */

import { sleep, TaskGroup } from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";

/** Coroutines for the children: each logs how it ended. */
export function children({ on, coroutine }: Flavour) {
  const log: string[] = [];
  const child = coroutine(function* (name: string, delay: number) {
    try {
      yield* on(sleep(delay));
      log.push(`${name} done`);
    } catch (error) {
      log.push(`${name} ${(error as Error).name}`);
      throw error;
    }
  });
  /** Takes its time to clean up. */
  const slow = coroutine(function* (cleanUp: number, error?: Error) {
    try {
      yield* on(sleep(100));
    } catch (cancellation) {
      yield* on(sleep(cleanUp));
      log.push("cleaned up");
      throw error ?? cancellation;
    }
  });
  return { log, child, slow };
}

/** Run a group in the flavour, and give what it gives. */
export function* inGroup<T>({ on, body }: Flavour, steps: (group: TaskGroup) => Steps<T>): Steps<T> {
  return (yield* on(TaskGroup.run(body(steps)))) as T;
}
