/** `npm run conformance -- [--flavour=generator|async] [--only=NAME] FILE…` */

import { globSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { type Flavour, flavours } from "../flavours.ts";
import { BadFile, loadFile } from "./load.ts";
import { replay, type Verdict } from "./runner.ts";
import type { Recording } from "./scenario.ts";

const USAGE = `usage: npm run conformance -- [--flavour=generator|async] [--only=NAME] FILE…

Replays the scenarios of the files, and compares their traces with the recorded ones.
Default: all of tests/conformance/*.jsonl, in both flavours.

  --flavour=NAME  in this flavour of coroutines only
  --only=NAME     the scenario of this name only`;

class BadUsage extends Error {}

interface Job {
  readonly file: string;
  readonly recording: Recording;
}

interface Request {
  readonly flavours: readonly Flavour[];
  readonly jobs: readonly Job[];
}

async function main(args: string[]): Promise<number> {
  let request: Request | null;
  try {
    request = parse(args);
  } catch (error) {
    if (error instanceof BadFile) console.error(error.message);
    else if (error instanceof BadUsage) console.error(`${error.message}\n\n${USAGE}`);
    else throw error;
    return 2;
  }
  if (request === null) {
    console.log(USAGE);
    return 0;
  }
  return await replayAll(request);
}

async function replayAll({ flavours, jobs }: Request): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const job of jobs) {
    for (const flavour of flavours) {
      const verdict = await replay(job.recording, flavour);
      counts[verdict.kind]++;
      if (verdict.kind === "failed") console.log(failure(job, flavour, verdict));
    }
  }
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  return counts.failed > 0 ? 1 : 0;
}

function failure(
  { file, recording }: Job,
  flavour: Flavour,
  { reason }: Verdict & { kind: "failed" },
): string {
  const note = recording.note === undefined ? "" : `  note: ${recording.note}\n`;
  return `FAILED ${file}: ${recording.name} (${flavour.name})\n${note}${reason}\n`;
}

/** What the command line asks for; null if that is help. */
function parse(args: string[]): Request | null {
  const { values, positionals } = parseFlags(args);
  if (values.help) return null;
  const chosen = flavours.filter(({ name }) => name === (values.flavour ?? name));
  if (chosen.length === 0) throw new BadUsage(`unknown flavour: ${values.flavour}`);
  const all = (positionals.length > 0 ? positionals : ownFiles()).flatMap(jobsIn);
  const jobs = all.filter(({ recording }) => recording.name === (values.only ?? recording.name));
  if (values.only !== undefined && jobs.length === 0) throw new BadUsage(`no scenario named ${values.only}`);
  return { flavours: chosen, jobs };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        flavour: { type: "string" },
        only: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new BadUsage((error as Error).message);
  }
}

function ownFiles(): string[] {
  const here = relative(process.cwd(), import.meta.dirname) || ".";
  return globSync(`${here}/*.jsonl`).sort();
}

function jobsIn(file: string): Job[] {
  return loadFile(file).map((recording) => ({ file, recording }));
}

process.exitCode = await main(process.argv.slice(2));
