import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { decodeError, type PortableError } from "../../src/executors/remote-errors.ts";
import { work } from "../../src/index.ts";
import type * as Callers from "./callers.ts";
import type * as Functions from "./functions.ts";

const FUNCTIONS = new URL("./functions.ts", import.meta.url);

type FunctionName = keyof typeof Functions;

/** One of the functions for loops, by its name. */
export function named<N extends FunctionName>(name: N) {
  return work<Extract<(typeof Functions)[N], (...args: never) => unknown>>(FUNCTIONS, name);
}

type CallerName = keyof typeof Callers;
type Outcome = { readonly value: unknown } | { readonly error: PortableError };

/** A worker thread that carries out one of the callers. */
export class CallerThread<T> {
  readonly worker: Worker;
  readonly result: Promise<T>;

  constructor(name: CallerName, args: readonly unknown[]) {
    this.worker = new Worker(new URL("./caller-thread.ts", import.meta.url), {
      workerData: { name, args },
      stdin: true,
    });
    this.result = this.#outcome();
    this.result.catch(() => {});
  }

  /** When the thread has ended, so that no test leaves one behind. */
  async #outcome(): Promise<T> {
    let outcome: Outcome | undefined;
    this.worker.on("message", (message: Outcome) => {
      if ("value" in Object(message) || "error" in Object(message)) outcome = message;
    });
    const [code] = await once(this.worker, "exit");
    if (outcome === undefined) throw new Error(`the thread exited with ${code}, and gave nothing`);
    if ("error" in outcome) throw decodeError(outcome.error);
    return outcome.value as T;
  }
}

/** Carry out a caller in a thread, and give what it returns. */
export function inThread<N extends CallerName>(
  name: N,
  ...args: Parameters<(typeof Callers)[N]>
): CallerThread<Awaited<ReturnType<(typeof Callers)[N]>>> {
  return new CallerThread(name, args);
}

/** The descriptors of this process that are open. */
export function openFiles(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}
