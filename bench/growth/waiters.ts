import { createTask, Event, type Suspension, sleep, type Task } from "../../src/index.ts";
import { elapsed, heapGrowth } from "./heap.ts";
import type { Prepare, Quantity } from "./quantity.ts";

function* waitGenerator(event: Event): Generator<Suspension, void, unknown> {
  yield* event.wait();
}

async function waitAsync(event: Event): Promise<void> {
  await event.wait();
}

const probe =
  (wait: (event: Event) => Task<void>): Prepare =>
  (n) => ({
    async time() {
      const event = new Event();
      const waiters = Array.from({ length: n }, () => wait(event));
      await sleep(0);
      return elapsed(() => {
        event.set();
        return waiters.at(-1)!;
      });
    },
    memory: () =>
      heapGrowth(() => {
        const event = new Event();
        for (let i = 0; i < n; i++) wait(event);
        return sleep(0);
      }),
  });

export const waiters: Quantity = {
  name: "waiters",
  axis: "tasks that wait for one Event",
  unit: "",
  operation: "to wake a task and to end it",
  operations: (n) => n,
  memory: "heap of the tasks",
  first: 10,
  last: 1e5,
  factor: Math.sqrt(10),
  series: {
    generator: probe((event) => createTask(waitGenerator(event))),
    async: probe((event) => createTask(() => waitAsync(event))),
  },
};
