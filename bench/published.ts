import { readFileSync, writeFileSync } from "node:fs";
import { machine } from "./machine.ts";
import { type Published, report } from "./report.ts";
import type { Results } from "./rounds.ts";
import { WORKLOADS } from "./workloads.ts";

/** What was measured last, of each workload: RESULTS.md is made of it. */
const DATA = new URL("results.json", import.meta.url);
const REPORT = new URL("RESULTS.md", import.meta.url);

/** Put results in the place of earlier ones of the same workload, and write the report anew. */
export function publish(results: Results): void {
  const others = published().filter(({ workload }) => workload !== results.workload);
  const all = [...others, { ...results, machine: machine() }];
  writeFileSync(DATA, `${JSON.stringify(all, null, 2)}\n`);
  writeReport();
}

/** Write RESULTS.md anew from the results that are there: after a change to an aim, or to the reason why it is missed. */
export function writeReport(): void {
  writeFileSync(REPORT, report(WORKLOADS, published()));
}

function published(): readonly Published[] {
  try {
    return JSON.parse(readFileSync(DATA, "utf8")) as Published[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
