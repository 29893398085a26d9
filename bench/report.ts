import { isReached, textOf } from "./aim.ts";
import { numberText, type Results, ratioOf, type Series, type Spread, spreadOf } from "./rounds.ts";
import type { Comparison, Workload } from "./workload.ts";

/** Results, and the machine they are of. */
export interface Published extends Results {
  readonly machine: string;
}

const TITLE =
  "# Measured results\n\n" +
  "Written by `npm run bench`: what each workload must reach, and what it reached in its last run at full size. Speed is\n" +
  "ours / theirs, so that more than 1 means that we are faster; memory is ours / theirs, and times of starting are ours − theirs.\n" +
  "Median (min–max) of the rounds.\n";

/** RESULTS.md: a table of all aims, and a section per workload. */
export function report(workloads: readonly Workload[], published: readonly Published[]): string {
  const measured = workloads.flatMap((workload) => {
    const results = published.find(({ workload: name }) => name === workload.name);
    return results ? [{ workload, results }] : [];
  });
  const aims = measured.flatMap(({ workload, results }) =>
    workload.comparisons.map((comparison) => aimRow(workload, comparison, results)),
  );
  const sections = measured.map(
    ({ workload, results }) => `${section(workload, results)}\n${results.machine}\n`,
  );
  const head = ["workload", "ours", "against", "aim", "median (min–max)", "reached?"];
  return [TITLE, `${table(head, aims)}\n`, ...sections].join("\n");
}

/** What was measured of a workload. */
export function section(workload: Workload, results: Results): string {
  const { series, missing, rounds, size } = results;
  const parts = [
    `## ${workload.name}`,
    workload.about,
    `${size.toLocaleString("en")} ${workload.sizeUnit}, ${rounds} rounds, the sides in turn; ${workload.unit}: median (min–max).`,
    table(["side", ...columnsOf(series)], series.map(sideRow)),
    table(
      ["figure", "ours", "against", "aim", "median (min–max)", "reached?"],
      workload.comparisons.map((one) => [one.figure, ...aimRow(workload, one, results).slice(1)]),
    ),
    ...(workload.why && workload.comparisons.some((one) => isMissed(one, series))
      ? [`**Why not:** ${workload.why}`]
      : []),
    ...(workload.notes ?? []),
    ...missing.map((side) => `Left out, ${side}.`),
  ];
  return `${parts.join("\n\n")}\n`;
}

function aimRow({ name, unit }: Workload, comparison: Comparison, { series }: Results): string[] {
  const { figure, ours, theirs, aim } = comparison;
  const ratio = ratioOf(comparison, series);
  const outcome = ratio
    ? [spread(ratio, (value) => value.toFixed(2)), isReached(aim, ratio.median) ? "yes" : "no"]
    : ["–", "left out"];
  return [`${name}, ${figure}`, ours, theirs, textOf(aim, unit), ...outcome];
}

function isMissed(comparison: Comparison, series: readonly Series[]): boolean {
  const ratio = ratioOf(comparison, series);
  return ratio !== null && !isReached(comparison.aim, ratio.median);
}

function columnsOf(series: readonly Series[]): string[] {
  return Object.keys(series[0]?.figures[0] ?? {});
}

function sideRow({ side, figures }: Series): string[] {
  const cells = Object.keys(figures[0] ?? {}).map((name) =>
    spread(spreadOf(figures.map((one) => one[name]!)), numberText),
  );
  return [side, ...cells];
}

function spread({ median, min, max }: Spread, text: (value: number) => string): string {
  return `${text(median)} (${text(min)}–${text(max)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
