/** `node --expose-gc ours.ts generator|async SIZE`: what a task takes that waits for a future of its own. */

import { createTask, getRunningLoop, run, type Suspension, sleep } from "../../src/index.ts";
import { memory } from "../idle-connections/memory.ts";

/** What is there once, for all tasks, is not what is measured. */
const WARM_UP = 1000;

function* waitGenerator(): Generator<Suspension, void, unknown> {
  yield* getRunningLoop().createFuture<void>();
}

async function waitAsync(): Promise<void> {
  await getRunningLoop().createFuture<void>();
}

const start = {
  generator: () => createTask(waitGenerator()),
  async: () => createTask(waitAsync),
};

async function growth(flavour: keyof typeof start, size: number): Promise<number> {
  const tasks = Array.from({ length: WARM_UP }, start[flavour]);
  await sleep(0);
  const before = await memory();
  for (let i = 0; i < size; i++) tasks.push(start[flavour]());
  await sleep(0);
  const after = await memory();
  return (after.rss! - before.rss!) / size;
}

const [flavour, size] = process.argv.slice(2);
await run(async () => {
  console.log(JSON.stringify({ resident: await growth(flavour as keyof typeof start, Number(size)) }));
  // To end all those tasks one by one is not what is measured.
  process.exit();
});
