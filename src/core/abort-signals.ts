import { getEventListeners } from "node:events";
import { describeValue } from "./format-helpers.ts";

/** Throws TypeError unless `value` is an AbortSignal, if only one of another realm or library. */
export function assertSignal(value: unknown): asserts value is AbortSignal {
  const isObject = typeof value === "object" && value !== null;
  if (isObject && "aborted" in value && "addEventListener" in value) return;
  throw new TypeError(`signal must be an AbortSignal, not ${describeValue(value)}`);
}

/**
 * Call `react` with the reason's message when `signal` aborts; at once, if it has. Returns the function that stops
 * listening, which must be called: the signal may live much longer than what listens.
 */
export function onAbort(signal: AbortSignal, react: (message: string) => void): () => void {
  const listener = () => react(messageOf(signal.reason));
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/**
 * Whether an abort of the signal reaches anybody: a listener, or a signal made of it by `AbortSignal.any`. Node shows
 * the latter only under a symbol of its own; where there is none, such a signal counts as unheard.
 */
export function isHeard(signal: AbortSignal): boolean {
  if (getEventListeners(signal, "abort").length > 0) return true;
  const dependants = Object.getOwnPropertySymbols(signal).find(
    ({ description }) => description === "kDependantSignals",
  );
  if (dependants === undefined) return false;
  const signals = (signal as unknown as Record<symbol, Set<unknown> | null | undefined>)[dependants];
  return (signals?.size ?? 0) > 0;
}
