import { spawnSync } from "node:child_process";
import { atMostMore } from "../aim.ts";
import { spreadOf } from "../rounds.ts";
import type { Comparison, Side, Workload } from "../workload.ts";
import { buildPackage, writeProgram } from "./built-package.ts";

const PROGRAMS = {
  bare: "",
  import: 'import "asyncio-ts";\n',
  run: 'import { run } from "asyncio-ts";\nawait run(async () => {});\n',
};

type ProgramName = keyof typeof PROGRAMS;

/** Where the programs are, once the package is built. */
let directory: string | null = null;

function file(program: ProgramName): string {
  directory ??= buildPackage();
  return writeProgram(directory, `${program}.js`, PROGRAMS[program]);
}

/** In milliseconds, from the start of the process to its end. */
function lifetime(program: string): number {
  const begin = performance.now();
  const { status, signal } = spawnSync(process.execPath, [program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${program} ended with ${signal ?? status}`);
  return performance.now() - begin;
}

async function measure(program: ProgramName, size: number): Promise<{ lifetime: number }> {
  const path = file(program);
  return { lifetime: spreadOf(Array.from({ length: size }, () => lifetime(path))).median };
}

const side = (name: string, program: ProgramName): Side => {
  return { name, missing: null, measure: (size) => measure(program, size) };
};

const against = (ours: string, bound: number): Comparison => {
  return { figure: "lifetime", ours, theirs: "bare Node", aim: atMostMore(bound) };
};

export const start: Workload = {
  name: "start",
  about:
    "The lifetime of a process of Node, from its start to its end: of one whose program is empty, one that imports the built\n" +
    "package, and one that runs `await run(async () => {})`. The median of so many runs counts as one.",
  unit: "ms",
  sizeUnit: "runs in a row",
  size: 10,
  sides: [side("bare Node", "bare"), side("import", "import"), side("run", "run")],
  comparisons: [against("import", 25), against("run", 40)],
};
