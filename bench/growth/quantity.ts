/** Something of which there are n: how long they take, and how much memory. */
export interface Probe {
  /** Do the work once, and give how many seconds it took. */
  time(): Promise<number>;
  /** In bytes. Asked for last: what it holds stays. */
  memory(): Promise<number>;
}

/** Set it up for this n; what has to be closed goes onto the stack. */
export type Prepare = (n: number, stack: AsyncDisposableStack) => Probe | Promise<Probe>;

/** What grows: one plot. */
export interface Quantity {
  readonly name: string;
  /** What n counts. */
  readonly axis: string;
  /** The unit of n: bytes, or none. */
  readonly unit: "" | "B";
  /** What takes the time. */
  readonly operation: string;
  /** How many of those there are for an n. */
  readonly operations: (n: number) => number;
  /** What the memory is that of. */
  readonly memory: string;
  readonly first: number;
  readonly last: number;
  /** What its steps come from, where one is steeper than n log n. */
  readonly why?: string;
  /** n is multiplied by that from one point to the next. */
  readonly factor: number;
  readonly series: Readonly<Record<string, Prepare>>;
}

/** Every n, up to `most`; at least two. */
export function valuesOf({ first, last, factor }: Quantity, most: number): readonly number[] {
  const values = [first, first * factor];
  for (let n = first * factor ** 2; n < Math.min(last, most) * 1.01; n *= factor) values.push(n);
  return values.map(Math.round);
}
