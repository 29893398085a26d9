import { createTask, gather, Queue, run, sleep } from "../src/index.ts";

export const title = "A queue between two workers";

async function work(name: string, jobs: Queue<number>): Promise<void> {
  for await (const seconds of jobs) {
    await sleep(seconds);
    console.log(`${name} slept for ${seconds} s`);
    jobs.taskDone();
  }
}

export async function main(): Promise<void> {
  await run(async () => {
    const jobs = new Queue<number>();
    for (const seconds of [0.3, 0.1, 0.1, 0.2]) jobs.putNowait(seconds);
    const workers = ["worker 1", "worker 2"].map((name) => createTask(() => work(name, jobs)));
    await jobs.join();
    jobs.shutdown();
    await gather(...workers);
    console.log("all jobs done");
  });
}
