/** The program of a worker process of `ProcessPoolExecutor`. */

import { Worker } from "node:worker_threads";
import { assertIntact } from "../executors/intact.ts";
import type { FromWorker, ToWorker } from "../executors/messages.ts";
import { Service } from "../executors/service.ts";
import { packFromWorker, unpackToWorker } from "../executors/wire.ts";
import { runCoroutine } from "./run-coroutine.ts";

function post(message: FromWorker): void {
  const packed = packFromWorker(message);
  assertIntact(packed, null);
  process.send!(packed);
}

const service = new Service({ post, exit: () => process.exit() }, runCoroutine);

process.on("uncaughtExceptionMonitor", (error) => service.uncaught(error));

process.on("message", (packed) => service.receive(unpackToWorker(packed as ToWorker)));

// Ctrl-C reaches every process of the terminal. What is to become of the jobs, whoever started us decides.
process.on("SIGINT", () => {});

process.on("disconnect", () => process.exit());

// A job that does not let go of this thread would survive whoever started us: another thread watches out for that.
new Worker(new URL(import.meta.url.replace(/process(\.\w+)$/, "watch-parent$1")), { execArgv: [] }).unref();
