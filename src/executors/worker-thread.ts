import { type ResourceLimits, type Transferable, Worker } from "node:worker_threads";
import { closeLeftOpen, newThreadFiles } from "../io/native/thread-files.ts";
import { assertIntact } from "./intact.ts";
import type { ToWorker } from "./messages.ts";
import type { PoolWorker, WorkerListener } from "./pool-worker.ts";
import { inheritedFlags, programOf } from "./programs.ts";
import { packToWorker, unpackFromWorker } from "./wire.ts";

/** Milliseconds for a thread to end by itself. Ended from outside, it cannot give back what it has. */
const PATIENCE = 500;

export interface ThreadOptions {
  readonly name: string;
  readonly resourceLimits: ResourceLimits | undefined;
}

/** A worker thread. */
export class WorkerThread implements PoolWorker {
  readonly name: string;
  readonly id: number;
  readonly #worker: Worker;
  readonly #files = newThreadFiles();
  #error: unknown = null;
  #force: NodeJS.Timeout | undefined;

  constructor({ name, resourceLimits }: ThreadOptions, listener: WorkerListener) {
    this.name = `worker thread ${name}`;
    this.#worker = new Worker(programOf("thread"), {
      name,
      workerData: { files: this.#files },
      ...(inheritedFlags().length < process.execArgv.length && { execArgv: [] }),
      ...(resourceLimits && { resourceLimits }),
    });
    this.id = this.#worker.threadId;
    this.#worker.on("message", (packed) => listener.onMessage(unpackFromWorker(packed)));
    this.#worker.on("messageerror", (error) => listener.onGarbled(error));
    this.#worker.on("error", (error) => {
      this.#error = error;
    });
    this.#worker.on("exit", (code) => {
      clearTimeout(this.#force);
      closeLeftOpen(this.#files);
      listener.onEnd({ how: `exited with code ${code}`, error: this.#error });
    });
  }

  post(message: ToWorker, transfer: Transferable[]): void {
    const packed = packToWorker(message);
    assertIntact(packed, transfer);
    this.#worker.postMessage(packed, transfer);
  }

  hold(held: boolean): void {
    if (held) this.#worker.ref();
    else this.#worker.unref();
  }

  end(): void {
    this.hold(true);
    this.post({ kind: "exit" }, []);
    this.#force ??= setTimeout(() => this.#worker.terminate(), PATIENCE);
  }

  kill(): void {
    this.end();
  }
}
