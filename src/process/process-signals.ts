import { constants } from "node:os";
import { ProcessLookupError } from "../core/errors.ts";
import { fromNode } from "../io/portable/errors.ts";

/** Python's return code for what Node tells of a process that has exited. */
export function returncodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : -constants.signals[signal];
}

/** Send a signal to a process, or with a negative `pid` to a group; false if there is none. Throws OSError: EINVAL for no signal. */
export function send(pid: number, signal: number): boolean {
  // What is too large for a number of the system's Node takes for a name; -1 is no signal either.
  const number = signal === (signal | 0) ? signal : -1;
  try {
    return process.kill(pid, number);
  } catch (error) {
    const found = fromNode(error as NodeJS.ErrnoException);
    if (found instanceof ProcessLookupError) return false;
    throw found;
  }
}
