import type { Aim } from "./aim.ts";

/** What one run of one side gives: numbers by name. */
export type Figures = Readonly<Record<string, number>>;

/** One of the programs that do the same work. Each runs in a process of its own. */
export interface Side {
  readonly name: string;
  /** Why it cannot run here, or null. */
  readonly missing: string | null;
  /** Do the work once; `size` is how much of it. */
  measure(size: number): Promise<Figures>;
}

/** Which of our sides stands against which other, in which figure, and what it must reach. */
export interface Comparison {
  readonly figure: string;
  readonly ours: string;
  readonly theirs: string;
  readonly aim: Aim;
}

/** Something that is measured: one command-line name. */
export interface Workload {
  readonly name: string;
  /** What is done, and what the figures are. */
  readonly about: string;
  /** What was otherwise than `about` says, on this machine. */
  readonly notes?: readonly string[];
  readonly unit: string;
  /** What `size` counts: "connections at a time", "milliseconds". */
  readonly sizeUnit: string;
  /** The size that the published figures have. */
  readonly size: number;
  readonly sides: readonly Side[];
  readonly comparisons: readonly Comparison[];
  /** What holds us back, as far as an aim is missed: it goes into the results. */
  readonly why?: string | undefined;
}
