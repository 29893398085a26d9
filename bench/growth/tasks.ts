import { createTask, getRunningLoop, type Suspension, sleep, type Task } from "../../src/index.ts";
import { elapsed, heapGrowth } from "./heap.ts";
import type { Prepare, Quantity } from "./quantity.ts";

type Steps = Generator<Suspension, void, unknown>;

function* napGenerator(): Steps {
  yield* sleep(0);
}

async function napAsync(): Promise<void> {
  await sleep(0);
}

function* waitGenerator(): Steps {
  yield* getRunningLoop().createFuture<void>();
}

async function waitAsync(): Promise<void> {
  await getRunningLoop().createFuture<void>();
}

const probe =
  (nap: () => Task<void>, wait: () => Task<void>): Prepare =>
  (n) => ({
    // The last to start is the last to end.
    time: () => elapsed(() => Array.from({ length: n }, nap).at(-1)!),
    memory: () =>
      heapGrowth(() => {
        for (let i = 0; i < n; i++) wait();
        return sleep(0);
      }),
  });

export const tasks: Quantity = {
  name: "tasks",
  axis: "tasks alive at a time",
  unit: "",
  operation: "to start a task, to let it wait once, and to end it",
  operations: (n) => n,
  memory: "heap of pending tasks, each with a future",
  why: `One task takes 0.5 µs among 1,000 and 1.9 to 3.1 among 31,600 and more: the step between is where they outgrow V8's young
generation, of 16 MiB at 0.8 kB each (as async functions, 1.7 kB), so that its collector copies each of them twice. On both
sides of the step the time grows like n.`,
  first: 1000,
  last: 1e6,
  factor: Math.sqrt(10),
  series: {
    generator: probe(
      () => createTask(napGenerator()),
      () => createTask(waitGenerator()),
    ),
    async: probe(
      () => createTask(napAsync),
      () => createTask(waitAsync),
    ),
  },
};
