/** `npm run bench -- [NAME…] [--json] [--rounds N] [--size N]`: measure us against what you would use instead. */

import { parseArgs } from "node:util";
import { idleConnections } from "./idle-connections/workload.ts";
import { section, write } from "./report.ts";
import { type Results, runRounds } from "./rounds.ts";
import type { Workload } from "./workload.ts";

const WORKLOADS: readonly Workload[] = [idleConnections];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    size: { type: "string" },
  },
});

const all: Results[] = [];
for (const workload of chosen(positionals)) {
  const size = Number(values.size ?? workload.size);
  const results = await runRounds(workload, { size, rounds: Number(values.rounds), log: console.error });
  all.push(results);
  const text = section(workload, results);
  if (!values.json) console.log(text);
  // A smaller run is a trial.
  if (size === workload.size) write(text);
}
if (values.json) console.log(JSON.stringify(all, null, 2));

function chosen(names: readonly string[]): readonly Workload[] {
  const unknown = names.filter((name) => WORKLOADS.every((workload) => workload.name !== name));
  if (unknown.length > 0) throw new Error(`no workload named ${unknown.join(", ")}`);
  return names.length === 0 ? WORKLOADS : WORKLOADS.filter(({ name }) => names.includes(name));
}
