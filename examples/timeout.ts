import { run, sleep, TimeoutError, waitFor } from "../src/index.ts";

export const title = "waitFor gives up after a second";

async function eternity(): Promise<void> {
  try {
    await sleep(3600);
    console.log("yay!");
  } finally {
    console.log("eternity was cancelled, and could clean up");
  }
}

export async function main(): Promise<void> {
  await run(async () => {
    try {
      await waitFor(() => eternity(), 1);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      console.log("timeout!");
    }
  });
}
