import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { machine } from "../machine.ts";
import { numberText } from "../rounds.ts";
import { figuresOf, nodeCommand } from "../sides.ts";
import { exponent, limit, type Point, steepest } from "./fit.ts";
import { QUANTITIES } from "./quantities.ts";
import { type Quantity, valuesOf } from "./quantity.ts";
import { type Line, svgOf, valueText } from "./svg.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const [node, ...flags] = nodeCommand(join(HERE, "point.ts"));

/** In MiB: room for a million tasks. */
const HEAP = 12 * 1024;

const TITLE =
  "# How cost grows\n\nWritten by `npm run bench -- growth`. Each point is a process of its own; the time is the median of what it measured\n" +
  "once warm. Each line says the n^k that fits best, of all that n take, and where the steepest step is. What takes n log n\n" +
  "would have the exponent in brackets, 0.1 of tolerance included: nothing may grow faster.\n";

export interface GrowthOptions {
  /** No n is larger, but for the two that each quantity has at least. */
  readonly most: number;
  /** How long each point is measured for. */
  readonly seconds: number;
  /** Where to write; beside this module, if there is none. */
  readonly directory?: string | undefined;
  readonly log: (line: string) => void;
}

/** What was measured of one series. */
interface Measured {
  readonly series: string;
  /** Per operation, in seconds. */
  readonly times: readonly Point[];
  /** In bytes. */
  readonly sizes: readonly Point[];
}

export interface Growth {
  /** Of the summary, one of each quantity. */
  readonly sections: readonly string[];
  /** What grows faster than n log n, and nobody knows why. */
  readonly tooFast: readonly string[];
}

/** Measure these quantities, or all; write a plot of each, and, if it is all of them, the summary. */
export async function growth(
  names: readonly string[],
  { directory = HERE, ...options }: GrowthOptions,
): Promise<Growth> {
  mkdirSync(directory, { recursive: true });
  const sections: string[] = [];
  const tooFast: string[] = [];
  for (const quantity of chosenQuantities(names)) {
    const measured = await measureAll(quantity, options);
    writeFileSync(join(directory, `${quantity.name}.svg`), plotsOf(quantity, measured));
    const verdicts = measured.flatMap((one) => verdictsOf(quantity, one));
    if (quantity.why === undefined) {
      tooFast.push(...verdicts.filter(({ fits }) => !fits).map(({ text }) => text));
    }
    sections.push(section(quantity, verdicts));
  }
  if (names.length === 0) {
    writeFileSync(join(directory, "README.md"), [TITLE, ...sections, `${machine()}\n`].join("\n"));
  }
  return { sections, tooFast };
}

function chosenQuantities(names: readonly string[]): readonly Quantity[] {
  const unknown = names.filter((name) => !QUANTITIES.some((quantity) => quantity.name === name));
  if (unknown.length > 0) throw new Error(`nothing named ${unknown.join(", ")} that grows`);
  return QUANTITIES.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function measureAll(
  quantity: Quantity,
  { most, seconds, log }: GrowthOptions,
): Promise<readonly Measured[]> {
  const all: Measured[] = [];
  for (const series of Object.keys(quantity.series)) {
    const times: Point[] = [];
    const sizes: Point[] = [];
    for (const n of valuesOf(quantity, most)) {
      const args = [quantity.name, series, String(n), String(seconds)];
      const figures = await figuresOf([node, `--max-old-space-size=${HEAP}`, ...flags, ...args]);
      times.push([n, figures.seconds! / quantity.operations(n)]);
      // What was not to be measured has no place on a logarithmic axis.
      if (figures.bytes! > 0) sizes.push([n, figures.bytes!]);
      log(
        `${quantity.name} ${series} ${n}: ${numberText(figures.seconds!)} s, ${numberText(figures.bytes!)} B`,
      );
    }
    all.push({ series, times, sizes });
  }
  return all;
}

function plotsOf(quantity: Quantity, measured: readonly Measured[]): string {
  const x = { label: quantity.axis, unit: quantity.unit };
  const lines = (what: "times" | "sizes"): Line[] =>
    measured.map((one) => ({ name: one.series, points: one[what] }));
  return svgOf([
    { title: `Time ${quantity.operation}`, x, y: { unit: "s" }, lines: lines("times") },
    { title: `Memory: ${quantity.memory}`, x, y: { unit: "B" }, lines: lines("sizes") },
  ]);
}

interface Verdict {
  readonly text: string;
  readonly fits: boolean;
}

function verdictsOf(quantity: Quantity, { series, times, sizes }: Measured): readonly Verdict[] {
  const whole = times.map(([n, time]) => [n, time * quantity.operations(n)] as const);
  const label = `${quantity.name}, ${series}`;
  return [verdict(`${label}: the time`, quantity, whole), verdict(`${label}: the memory`, quantity, sizes)];
}

function verdict(label: string, { unit }: Quantity, points: readonly Point[]): Verdict {
  const most = limit(points.map(([n]) => n));
  const whole = exponent(points);
  const step = steepest(points);
  const where = `${valueText(step.from, unit)} to ${valueText(step.to, unit)}`;
  const text =
    `${label} grows like n^${whole.toFixed(2)} (${most.toFixed(2)}); ` +
    `the steepest step is n^${step.exponent.toFixed(2)}, from ${where}`;
  return { text, fits: whole <= most };
}

function section({ name, operation, memory, why }: Quantity, verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ text, fits }) => `- ${text}${fits ? "" : ": **faster than n log n**"}.`);
  return [
    `## ${name}\n`,
    `The time ${operation}, and the memory: ${memory}.\n`,
    `![${name}](${name}.svg)\n`,
    ...lines,
    ...(why === undefined ? [] : [`\n${why}`]),
    "",
  ].join("\n");
}
