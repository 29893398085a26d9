import { CancelledError, createSubprocessExec, createTask, run, sleep } from "../src/index.ts";

export const title = "A supervisor that restarts a process that fails, each time a little later";

/** How many seconds to wait before the first restart; twice as many before each that follows, up to the second number. */
const [SHORTEST, LONGEST] = [0.05, 0.2];

async function supervise(name: string, command: string): Promise<void> {
  for (let delay = SHORTEST, attempt = 1; ; delay = Math.min(2 * delay, LONGEST), attempt++) {
    const env = { ...process.env, ATTEMPT: String(attempt) };
    // However this function is left: the process does not survive it.
    await using child = await createSubprocessExec("sh", "-c", command, { env });
    const returncode = await child.wait();
    if (returncode === 0) {
      console.log(`${name}: done at attempt ${attempt}`);
      return;
    }
    console.log(`${name}: failed with ${returncode}, once more in ${delay} s`);
    await sleep(delay);
  }
}

export async function main(): Promise<void> {
  await run(async () => {
    await supervise("flaky", "[ $ATTEMPT -ge 3 ] || exit 7");
    await supervise("killed", "[ $ATTEMPT -ge 2 ] || kill -9 $$");
    const endless = createTask(() => supervise("endless", "exec sleep 3600"));
    await sleep(0.1);
    endless.cancel();
    await endless.catch((error: unknown) => {
      if (!(error instanceof CancelledError)) throw error;
      console.log("endless: stopped, with its process");
    });
  });
}
