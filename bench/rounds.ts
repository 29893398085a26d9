import { compare } from "./aim.ts";
import type { Comparison, Figures, Side, Workload } from "./workload.ts";

/** All that was measured of a side, oldest first. */
export interface Series {
  readonly side: string;
  readonly figures: readonly Figures[];
}

/** The middle one of several numbers, and how far they are apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What was measured of a workload. */
export interface Results {
  readonly workload: string;
  readonly size: number;
  readonly rounds: number;
  readonly series: readonly Series[];
  /** The sides that could not run, and why. */
  readonly missing: readonly string[];
}

/** A comparison, and what came out. */
interface Ratio extends Comparison {
  readonly ratio: Spread;
}

/** The sides take turns, so that what disturbs the machine for a while disturbs all of them. */
export async function runRounds(
  workload: Workload,
  { size, rounds, log }: { size: number; rounds: number; log: (line: string) => void },
): Promise<Results> {
  const present = workload.sides.filter(({ missing }) => missing === null);
  const series = present.map(({ name }) => ({ side: name, figures: [] as Figures[] }));
  for (let round = 1; round <= rounds; round++) {
    for (const [i, side] of present.entries()) {
      const figures = await measureOnce(side, size);
      series[i]!.figures.push(figures);
      log(`${workload.name} ${round}/${rounds} ${side.name}: ${shown(figures)}`);
    }
  }
  const missing = workload.sides.flatMap((side) => (side.missing ? [`${side.name}: ${side.missing}`] : []));
  return { workload: workload.name, size, rounds, series, missing };
}

async function measureOnce(side: Side, size: number): Promise<Figures> {
  try {
    return await side.measure(size);
  } catch (error) {
    throw new Error(`${side.name} failed`, { cause: error });
  }
}

function shown(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${numberText(value)}`)
    .join(", ");
}

/** Three digits are enough; more only where a number has no room for a point. */
export function numberText(value: number): string {
  const digits = Math.abs(value) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 };
  return value.toLocaleString("en", digits);
}

/** The comparisons of a workload of which both sides ran. */
export function ratiosOf(workload: Workload, { series }: Results): readonly Ratio[] {
  return workload.comparisons.flatMap((comparison) => {
    const ratio = ratioOf(comparison, series);
    return ratio ? [{ ...comparison, ratio }] : [];
  });
}

/** Round against round: both of a pair ran under the same conditions. Null where one of the sides is missing. */
export function ratioOf({ figure, ours, theirs, aim }: Comparison, series: readonly Series[]): Spread | null {
  const [mine, other] = [ours, theirs].map((name) => series.find(({ side }) => side === name)?.figures);
  if (!mine || !other) return null;
  return spreadOf(mine.map((figures, round) => compare(aim, figures[figure]!, other[round]![figure]!)));
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
