import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { PYTHON } from "./peers.ts";
import { type Results, type Series, type Spread, spreadOf } from "./rounds.ts";
import type { Workload } from "./workload.ts";

const FILE = new URL("RESULTS.md", import.meta.url);
const TITLE =
  "# Measured results\n\nWritten by `npm run bench`; each section by its last run at full size.\n";

/** The section of RESULTS.md for a workload. */
export function section(workload: Workload, results: Results): string {
  const { series, ratios, missing, rounds, size } = results;
  const parts = [
    `## ${workload.name}`,
    workload.about,
    `${size.toLocaleString("en")} at a time, ${rounds} rounds, the sides in turn; ${workload.unit}: median (min–max).`,
    table(["side", ...columnsOf(series)], series.map(row)),
    table(
      ["figure", "ours", "against", "ours / theirs", "aim"],
      ratios.map(({ figure, ours, theirs, ratio, atMost }) => {
        return [figure, ours, theirs, spread(ratio, (value) => value.toFixed(2)), `≤ ${atMost.toFixed(2)}`];
      }),
    ),
    ...missing.map((side) => `Left out, ${side}.`),
    machine(),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Put a section in the place of the one of the same heading, or at the end. */
export function write(text: string): void {
  const heading = text.slice(0, text.indexOf("\n"));
  const others = sectionsOfFile().filter((other) => !other.startsWith(`${heading}\n`));
  writeFileSync(FILE, [TITLE, ...others, text].join("\n"));
}

function sectionsOfFile(): string[] {
  try {
    const [, ...sections] = readFileSync(FILE, "utf8").split(/^(?=## )/m);
    return sections.map((text) => `${text.trimEnd()}\n`);
  } catch {
    return [];
  }
}

function columnsOf(series: readonly Series[]): string[] {
  return Object.keys(series[0]?.figures[0] ?? {});
}

function row({ side, figures }: Series): string[] {
  const cells = Object.keys(figures[0] ?? {}).map((name) =>
    spread(spreadOf(figures.map((one) => one[name]!)), (value) => Math.round(value).toLocaleString("en")),
  );
  return [side, ...cells];
}

function spread({ median, min, max }: Spread, text: (value: number) => string): string {
  return `${text(median)} (${text(min)}–${text(max)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Where and when this ran, and what. */
function machine(): string {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const python = spawnSync(PYTHON, ["-VV"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "";
  const uvloop = spawnSync(PYTHON, ["-c", "import uvloop; print('uvloop', uvloop.__version__)"], {
    encoding: "utf8",
  }).stdout;
  const parts = [
    `${type()} ${release()}, ${processors.length} × ${processors[0]?.model ?? "unknown"}, ${memory}`,
    `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    python.trim(),
    uvloop?.trim() ?? "",
    new Date().toISOString().slice(0, 10),
  ];
  return `${parts.filter(Boolean).join("; ")}.`;
}
