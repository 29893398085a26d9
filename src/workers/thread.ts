/** The program of a worker thread of `ThreadPoolExecutor`. */

import { parentPort, type Transferable } from "node:worker_threads";
import { assertIntact } from "../executors/intact.ts";
import type { FromWorker } from "../executors/messages.ts";
import { Service } from "../executors/service.ts";
import { packFromWorker, unpackToWorker } from "../executors/wire.ts";
import { runCoroutine } from "./run-coroutine.ts";

const port = parentPort!;

function post(message: FromWorker, transfer: Transferable[]): void {
  const packed = packFromWorker(message);
  assertIntact(packed, transfer);
  port.postMessage(packed, transfer);
}

const service = new Service({ post, exit: () => process.exit() }, runCoroutine);

process.on("uncaughtExceptionMonitor", (error) => service.uncaught(error));

port.on("message", (packed) => service.receive(unpackToWorker(packed)));
