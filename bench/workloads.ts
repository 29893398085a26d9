import { httpWorkloads } from "./http/workloads.ts";
import { idleConnections } from "./idle-connections/workload.ts";
import { networkWorkloads } from "./network/workloads.ts";
import { programWorkloads } from "./programs/workloads.ts";
import { REASONS } from "./reasons.ts";
import { start } from "./start/workload.ts";
import { taskMemory } from "./task-memory/workload.ts";
import type { Workload } from "./workload.ts";

/** All that there is to measure, in the order of the results. */
export const WORKLOADS: readonly Workload[] = [
  ...networkWorkloads,
  ...httpWorkloads,
  idleConnections,
  ...programWorkloads,
  taskMemory,
  start,
].map((workload) => ({ ...workload, why: REASONS[workload.name] }));

/** Those with these names, or, where there is none of a name, whose names begin so; all of them, if there are no names. */
export function chosen(names: readonly string[]): readonly Workload[] {
  if (names.length === 0) return WORKLOADS;
  const wanted = new Set(names.flatMap(named));
  return WORKLOADS.filter((workload) => wanted.has(workload));
}

function named(name: string): readonly Workload[] {
  const exact = WORKLOADS.filter((workload) => workload.name === name);
  const found = exact.length > 0 ? exact : WORKLOADS.filter((workload) => workload.name.startsWith(name));
  if (found.length === 0) throw new Error(`no workload named ${name}`);
  return found;
}
