/** How a figure of ours is set beside one of theirs, and what it must reach. */
export interface Aim {
  readonly kind: keyof typeof KINDS;
  readonly bound: number;
}

interface Kind {
  readonly compare: (ours: number, theirs: number) => number;
  readonly reached: (value: number, bound: number) => boolean;
  readonly text: (bound: number, unit: string) => string;
}

const least = (value: number, bound: number) => value >= bound;
const most = (value: number, bound: number) => value <= bound;

const KINDS = {
  /** So much is done in a second. */
  rate: {
    compare: (ours, theirs) => ours / theirs,
    reached: least,
    text: (bound) => `≥ ${bound.toFixed(2)}`,
  },
  /** So long it takes. Turned round: as for rates, more than 1 means that we are faster. */
  time: {
    compare: (ours, theirs) => theirs / ours,
    reached: least,
    text: (bound) => `≥ ${bound.toFixed(2)}`,
  },
  amount: {
    compare: (ours, theirs) => ours / theirs,
    reached: most,
    text: (bound) => `≤ ${bound.toFixed(2)}`,
  },
  difference: {
    compare: (ours, theirs) => ours - theirs,
    reached: most,
    text: (bound, unit) => `≤ ${bound} ${unit} more`,
  },
} satisfies Record<string, Kind>;

/** We are to be at least `bound` times as fast. A `rate` is better when it is higher, a `time` when it is lower. */
export const atLeast = (bound: number, kind: "rate" | "time" = "rate"): Aim => ({ kind, bound });

/** We are to take at most `bound` times as much of it: memory. */
export const atMost = (bound: number): Aim => ({ kind: "amount", bound });

/** We are to take at most `bound` more, in the workload's unit. */
export const atMostMore = (bound: number): Aim => ({ kind: "difference", bound });

/** What stands in the results for our figure and theirs. */
export const compare = ({ kind }: Aim, ours: number, theirs: number): number =>
  KINDS[kind].compare(ours, theirs);

export const isReached = ({ kind, bound }: Aim, value: number): boolean => KINDS[kind].reached(value, bound);

export const textOf = ({ kind, bound }: Aim, unit: string): string => KINDS[kind].text(bound, unit);
