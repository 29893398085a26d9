/**
 * `npm run bench -- [NAME…] [--list] [--json] [--rounds N] [--size N] [--report]`: measure us against what you would use
 * instead. A NAME is that of a workload, or how several begin. `npm run bench -- growth [NAME…]` plots how cost grows.
 */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { growth } from "./growth/growth.ts";
import { publish, writeReport } from "./published.ts";
import { section } from "./report.ts";
import { ratiosOf, runRounds } from "./rounds.ts";
import { chosen } from "./workloads.ts";

/** Fewer rounds say too little to be published. */
const ROUNDS = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    rounds: { type: "string", default: String(ROUNDS) },
    size: { type: "string" },
  },
});

if (values.list) list();
else if (values.report) writeReport();
else if (positionals[0] === "growth") await plotGrowth(positionals.slice(1));
else {
  await measure();
  if (positionals.length === 0 && !values.json) await plotGrowth([]);
}

function list(): void {
  for (const { name, size, sizeUnit, sides } of chosen(positionals)) {
    const names = sides.map((side) =>
      side.missing === null ? side.name : `(${side.name}: ${side.missing})`,
    );
    console.log(`${name}, ${size.toLocaleString("en")} ${sizeUnit}: ${names.join(", ")}`);
  }
}

async function measure(): Promise<void> {
  const rounds = count("rounds", values.rounds);
  const all: object[] = [];
  for (const workload of chosen(positionals)) {
    const size = values.size === undefined ? workload.size : count("size", values.size);
    const results = await runRounds(workload, { size, rounds, log: console.error });
    all.push({ ...results, ratios: ratiosOf(workload, results) });
    if (!values.json) console.log(section(workload, results));
    // A smaller run is a trial.
    if (size === workload.size && rounds >= ROUNDS) publish(results);
  }
  if (values.json) console.log(JSON.stringify(all, null, 2));
}

/** With a size, which is the largest n then, it is a trial: the plots go into a temporary directory. */
async function plotGrowth(names: readonly string[]): Promise<void> {
  const log = console.error;
  if (values.size !== undefined) {
    const directory = mkdtempSync(join(tmpdir(), "asyncio-ts-growth-"));
    const { sections } = await growth(names, {
      most: count("size", values.size),
      seconds: 0.05,
      directory,
      log,
    });
    console.log(`${sections.join("\n")}\nThe plots are in ${directory}.`);
    return;
  }
  const { sections, tooFast } = await growth(names, { most: Number.POSITIVE_INFINITY, seconds: 0.5, log });
  console.log(sections.join("\n"));
  for (const text of tooFast) console.error(`faster than n log n: ${text}`);
  if (tooFast.length > 0) process.exitCode = 1;
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1 on, not ${text}`);
  return value;
}
