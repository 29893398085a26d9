import type { PortableError } from "./remote-errors.ts";
import type { PortableWork } from "./work.ts";

/** A call, in a form that can be sent. */
export interface PortableCall {
  readonly work: PortableWork;
  readonly args: readonly unknown[];
}

/** What a worker is told. It carries out one job at a time. */
export type ToWorker =
  | { readonly kind: "begin"; readonly initializer: PortableCall | null }
  | JobMessage
  /** Somebody wants the job to end. */
  | { readonly kind: "abort"; readonly id: number }
  /** End yourself. */
  | { readonly kind: "exit" };

export interface JobMessage {
  readonly kind: "job";
  readonly id: number;
  readonly work: PortableWork;
  readonly args: readonly unknown[];
  /** Whether `args` are those of several calls, one after the other, and their results a list. */
  readonly chunk: boolean;
}

/** What a worker tells. */
export type FromWorker =
  | { readonly kind: "ready" }
  /** The initializer has failed. */
  | { readonly kind: "broken"; readonly error: PortableError }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: PortableError }
  | Uncaught;

/** An error that nobody caught ends the worker. */
export interface Uncaught {
  readonly kind: "uncaught";
  /** The job that runs, if the error is of its making. */
  readonly id: number | null;
  readonly error: PortableError;
}
