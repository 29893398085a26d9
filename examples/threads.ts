import {
  getRunningLoop,
  type LoopAddress,
  RemoteLoop,
  run,
  runCoroutineThreadsafe,
  sleep,
  toThread,
  work,
} from "../src/index.ts";

export const title = "threads: a loop that other threads call";

/** What other threads want of the loop's thread: a coroutine, and a callback. */
export async function ask(question: string): Promise<number> {
  await sleep(0.1);
  return question.length;
}

export function show(text: string): void {
  console.log(text);
}

/** Runs in a thread, without a loop: it waits with its thread blocked. */
export function inThread(address: LoopAddress): string {
  using loop = new RemoteLoop(address);
  loop.callSoonThreadsafe(work(import.meta, show), "called from a thread");
  const answer = runCoroutineThreadsafe(work(import.meta, ask), loop, "how many?").result(10);
  const late = runCoroutineThreadsafe(work(import.meta, ask), loop, "too late");
  late.cancel();
  return `the thread got ${answer}, ${late.cancelled() ? "and cancelled the rest" : ""}`;
}

export async function main(): Promise<void> {
  await run(async () => {
    console.log(await toThread(work(import.meta, inThread), getRunningLoop().threadsafe()));
  });
}
