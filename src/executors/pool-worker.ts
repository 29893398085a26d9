import type { Transferable } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./messages.ts";

/** How a worker ended. */
export interface Ending {
  /** Such as "exited with code 1". */
  readonly how: string;
  /** The error that nobody caught in it, if it is known. */
  readonly error: unknown;
}

/** What a worker tells whoever has it. */
export interface WorkerListener {
  /** What a job posts comes here, too. */
  onMessage(message: FromWorker | null): void;
  /** A message came that cannot be read. */
  onGarbled(error: Error): void;
  onEnd(ending: Ending): void;
}

/** A thread or a process that carries out jobs, seen from outside. */
export interface PoolWorker {
  /** Such as "worker thread resize_0". */
  readonly name: string;
  /** The pid of a process, the number of a thread. */
  readonly id: number;
  /** Throws an error if the message cannot be sent. To a worker that has ended nothing is sent. */
  post(message: ToWorker, transfer: Transferable[]): void;
  /** Whether it keeps this process alive. */
  hold(held: boolean): void;
  /** End it: by its own doing if it does that soon, else whatever it is at. */
  end(): void;
  /** End it now. */
  kill(signal: NodeJS.Signals): void;
}

/** The end of a message about a worker that ended by an error. */
export function because(error: unknown): string {
  return error instanceof Error ? `: ${error.name}: ${error.message}` : "";
}
