import { threadId } from "node:worker_threads";
import { describeValue } from "../core/format-helpers.ts";

/**
 * Where a loop is, for other threads of this process: what `loop.threadsafe()` gives. It can be sent to any thread, by
 * `workerData`, `postMessage` or as an argument of work, as often as you like, and be passed on from there; but not to
 * another process. Make a {@link RemoteLoop} of it there.
 */
export interface LoopAddress {
  /** The thread of the loop. */
  readonly threadId: number;
  /** Which of the loops of that thread. */
  readonly id: string;
  /** What every thread can read of the loop, at any time. */
  readonly state: Int32Array<SharedArrayBuffer>;
}

const CLOSED = 1;

/** The address of a new loop of this thread. */
export function newAddress(): LoopAddress {
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return { threadId, id: crypto.randomUUID(), state };
}

/** The loop is closed: nobody can reach it any more. */
export function noteClosed({ state }: LoopAddress): void {
  Atomics.store(state, 0, CLOSED);
}

export function isClosed(state: LoopAddress["state"]): boolean {
  return Atomics.load(state, 0) === CLOSED;
}

/** Throws TypeError for anything else. */
export function assertAddress(address: LoopAddress): void {
  const { threadId, id, state } = Object(address);
  if (typeof threadId === "number" && typeof id === "string" && state instanceof Int32Array) return;
  throw new TypeError(`what loop.threadsafe() gives was expected, not ${describeValue(address)}`);
}
