import { getRunningLoop } from "../../src/index.ts";
import { elapsed, heapGrowth } from "./heap.ts";
import type { Quantity } from "./quantity.ts";

/** Numbers between 0 and 1, spread evenly and in no order: their distance is the golden ratio's fraction. */
const scattered = (i: number): number => (i * 0.618_033_988_749_895) % 1;

/** All of them are due by now, at different times, and not in the order in which they are scheduled. */
async function fire(n: number): Promise<void> {
  const loop = getRunningLoop();
  const done = loop.createFuture<void>();
  let left = n;
  const count = () => {
    left--;
    if (left === 0) done.setResult(undefined);
  };
  const past = loop.time() - 1;
  for (let i = 0; i < n; i++) loop.callAt(past + scattered(i), count);
  await done;
}

async function hold(n: number): Promise<void> {
  const loop = getRunningLoop();
  const future = loop.time() + 3600;
  for (let i = 0; i < n; i++) loop.callAt(future + scattered(i), () => {});
}

export const timers: Quantity = {
  name: "timers",
  axis: "timers at a time",
  unit: "",
  operation: "to schedule a timer and to run it",
  operations: (n) => n,
  memory: "heap of pending timers",
  why: `The timers are a heap: one takes log n comparisons on its way in and out. With 31,600 of them (8 MB) they outgrow V8's young
generation and then the processor's cache, and each comparison is with a timer that is in neither: 0.4 µs among 1,000, 1.5 among
31,600, 4.5 among a million.`,
  first: 1000,
  last: 1e6,
  factor: Math.sqrt(10),
  series: {
    callAt: (n) => ({ time: () => elapsed(() => fire(n)), memory: () => heapGrowth(() => hold(n)) }),
  },
};
