import { memory } from "../idle-connections/memory.ts";

/** By how many bytes the JavaScript heap of this process grows when `hold` has run: resident memory comes in pages. */
export async function heapGrowth(hold: () => PromiseLike<void>): Promise<number> {
  const before = await memory();
  await hold();
  const after = await memory();
  return after.heap! - before.heap!;
}

/** In seconds. */
export async function elapsed(work: () => PromiseLike<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
