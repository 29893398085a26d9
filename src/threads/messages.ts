import type { MessagePort } from "node:worker_threads";
import type { PortableError } from "../executors/remote-errors.ts";
import type { PortableWork } from "../executors/work.ts";
import type { LoopAddress } from "./loop-address.ts";

/** Marks our messages among those between threads, which are everybody's. */
export const INTRODUCTION = "asyncio-ts: connect to a loop";

/** The first message to the thread of a loop. From then on the two talk by `port`. */
export interface Introduction {
  readonly kind: typeof INTRODUCTION;
  readonly id: LoopAddress["id"];
  readonly state: LoopAddress["state"];
  readonly port: MessagePort;
  /** Counted up and notified with each answer, for who waits with its thread blocked. */
  readonly bell: Int32Array<SharedArrayBuffer>;
}

export interface CallMessage {
  /** Whether the outcome interests nobody, or is to be told. */
  readonly kind: "call" | "run";
  readonly id: number;
  readonly work: PortableWork;
  readonly args: readonly unknown[];
}

/** What another thread tells a loop. */
export type ToLoop = CallMessage | { readonly kind: "cancel"; readonly id: number };

/** What a loop tells another thread. */
export type FromLoop =
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: PortableError }
  | { readonly kind: "cancelled"; readonly id: number };
