/** The program of a worker thread of `ThreadPoolExecutor`. */

import { parentPort } from "node:worker_threads";
import { Service } from "../executors/service.ts";
import { runCoroutine } from "./run-coroutine.ts";

const port = parentPort!;

const service = new Service(
  { post: (message, transfer) => port.postMessage(message, [...transfer]), exit: () => process.exit() },
  runCoroutine,
);

port.on("message", (message) => service.receive(message));
