import { createTask, getRunningLoop, run, sleep } from "../src/index.ts";

export const title = "Two tasks sleep at the same time";

async function say(delay: number, what: string): Promise<void> {
  await sleep(delay);
  console.log(`${what}, after ${delay} s`);
}

export async function main(): Promise<void> {
  await run(async () => {
    const loop = getRunningLoop();
    const started = loop.time();
    const hello = createTask(() => say(1, "hello"));
    const world = createTask(() => say(2, "world"));
    await hello;
    await world;
    console.log(`both done in ${(loop.time() - started).toFixed(1)} s`);
  });
}
