/** Functions that other threads have called in a loop of the test's thread; with few imports. */

import { threadId } from "node:worker_threads";
import { sleep } from "../../src/concurrency/sleep.ts";
import { coroutine } from "../../src/core/coroutines.ts";
import { CancelledError, ValueError } from "../../src/core/errors.ts";
import { runningLoop } from "../../src/core/events.ts";
import { registerError } from "../../src/executors/remote-errors.ts";

/** An error with an unusual constructor. */
export class QueryError extends Error {
  override name = "QueryError";
  readonly query: { readonly text: string };

  constructor(text: string, options?: ErrorOptions) {
    super(`no answer to ${text}`, options);
    this.query = { text };
  }
}
registerError(QueryError);

/** What happened here. */
export const seen: unknown[] = [];

export function note(what: unknown): void {
  seen.push(what);
}

export const double = coroutine(function* (n: number) {
  yield* sleep(0);
  return 2 * n;
});

export async function asyncDouble(n: number): Promise<number> {
  await sleep(0);
  return 2 * n;
}

export function where(): { threadId: number; inLoop: boolean } {
  return { threadId, inLoop: runningLoop() !== null };
}

export async function fail(text: string): Promise<never> {
  throw new QueryError(text, { cause: new ValueError("the cause") });
}

export async function giveFunction(): Promise<() => void> {
  return () => {};
}

/** Never ends, but notes how it is ended. */
export async function forever(name: string): Promise<void> {
  note(`begun ${name}`);
  try {
    await sleep(100_000);
  } catch (error) {
    note(`${name} ${(error as Error).name}`);
    throw error;
  }
}

export function cancelMe(): never {
  throw new CancelledError();
}
