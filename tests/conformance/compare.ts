import { isDeepStrictEqual } from "node:util";
import type { Line } from "./scenario.ts";

/** The index of the first line that is not the same, or null if the traces are equal. */
export function firstDifference(expected: readonly Line[], actual: readonly Line[]): number | null {
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index++) {
    if (!isDeepStrictEqual(expected[index], actual[index])) return index;
  }
  return null;
}

const BEFORE = 4;
const AFTER = 3;

/** Both traces round the line at `index`: what they have in common before it, then each side by itself. */
export function showDifference(expected: readonly Line[], actual: readonly Line[], index: number): string {
  const start = Math.max(0, index - BEFORE);
  const common = expected.slice(start, index).map((line) => `           ${JSON.stringify(line)}`);
  if (start > 0) common.unshift("           …");
  return [...common, ...side("expected", expected, index), ...side("actual  ", actual, index)].join("\n");
}

function side(name: string, trace: readonly Line[], index: number): string[] {
  const lines = trace.slice(index, index + 1 + AFTER).map((line) => JSON.stringify(line));
  if (lines.length === 0) lines.push("(the trace ends)");
  if (trace.length > index + 1 + AFTER) lines.push("…");
  return lines.map((line) => `  ${name} ${line}`);
}
