/**
 * How ops are implemented: a table per group, from the op's name to a function. Which of the three sorts of table an
 * op is in says what it may do.
 */

import type { Steps } from "../flavours.ts";
import type { Frame } from "./frame.ts";
import type { References } from "./references.ts";
import type { Op, OpName } from "./scenario.ts";

/** What goes into an op's line after its name, and after its `on` if it has one. */
export type Details = readonly unknown[];

/** What a body comes to: a `ret` on its way out of all the blocks, or null if its end was reached. */
export type Completion = { readonly value: unknown } | null;

/** Ops that act at once, those of callbacks among them. `T` is what `on` holds. */
export type InstantOps<N extends OpName, T = unknown> = Table<N, T, Details>;

/** Ops that may wait. */
export type WaitingOps<N extends OpName, T = unknown> = Table<N, T, Steps<Details>>;

/** Ops that run bodies or end them, and log for themselves. */
export type BlockOps<N extends OpName, T = unknown> = Table<N, T, Steps<Completion>>;

type Table<N extends OpName, T, R> = {
  readonly [K in N]: (frame: Frame, op: Op<K>, references: References<T>) => R;
};
