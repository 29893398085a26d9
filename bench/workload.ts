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

/** Which of our sides stands against which other, in which figure; the aim is a ratio ours / theirs. */
export interface Comparison {
  readonly figure: string;
  readonly ours: string;
  readonly theirs: string;
  readonly atMost: number;
}

/** Something that is measured: one directory, one command-line name. */
export interface Workload {
  readonly name: string;
  /** What is done, and what the figures are. */
  readonly about: string;
  readonly unit: string;
  /** The size that the published figures have. */
  readonly size: number;
  readonly sides: readonly Side[];
  readonly comparisons: readonly Comparison[];
}
