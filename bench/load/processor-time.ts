import { readFileSync } from "node:fs";

/** Linux counts it by the hundredth of a second. */
const TICKS = 100;

/** How long a process has been on a processor, in seconds. */
export function processorTime(pid: number): number {
  // The name, in parentheses, may have spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
