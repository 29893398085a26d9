import type { CoroutineLike } from "../core/base-events.ts";

/** In a loop of its own. Most jobs need none, and then it is not even loaded. */
export async function runCoroutine(coroutine: unknown, signal: AbortSignal): Promise<unknown> {
  const { run } = await import("../run.ts");
  return await run(coroutine as CoroutineLike<unknown>, { signal });
}
