/** The program of a worker process of `ProcessPoolExecutor`. */

import { Worker } from "node:worker_threads";
import { Service } from "../executors/service.ts";
import { runCoroutine } from "./run-coroutine.ts";

const service = new Service(
  { post: (message) => process.send!(message), exit: () => process.exit() },
  runCoroutine,
);

process.on("message", (message) => service.receive(message as Parameters<typeof service.receive>[0]));

// Ctrl-C reaches every process of the terminal. What is to become of the jobs, whoever started us decides.
process.on("SIGINT", () => {});

process.on("disconnect", () => process.exit());

// A job that does not let go of this thread would survive whoever started us: another thread watches out for that.
new Worker(new URL(import.meta.url.replace(/process(\.\w+)$/, "watch-parent$1")), { execArgv: [] }).unref();
