import { coroutine, createTask, getRunningLoop, run, sleep } from "../src/index.ts";

export const title = "The same with generator coroutines: yield* instead of await";

const say = coroutine(function* (delay: number, what: string) {
  yield* sleep(delay);
  console.log(`${what}, after ${delay} s`);
});

export async function main(): Promise<void> {
  await run(function* () {
    const loop = getRunningLoop();
    const started = loop.time();
    const hello = createTask(say(1, "hello"));
    const world = createTask(say(2, "world"));
    yield* hello;
    yield* world;
    console.log(`both done in ${(loop.time() - started).toFixed(1)} s`);
  });
}
