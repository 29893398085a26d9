/** The program of a thread that carries out one of the callers. */

import { parentPort, workerData } from "node:worker_threads";
import { encodeError } from "../../src/executors/remote-errors.ts";

const callers: Record<string, unknown> = await import("./callers.ts");
try {
  const caller = callers[workerData.name] as (...args: unknown[]) => unknown;
  parentPort!.postMessage({ value: await caller(...workerData.args) });
} catch (error) {
  parentPort!.postMessage({ error: encodeError(error) });
}
