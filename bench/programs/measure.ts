/** Does `size` operations. */
export type Program<Result> = (size: number) => Result;

/** How much of the work is done before the clock starts: the compilers must have seen it. */
const WARM_UP = 0.2;

/** As many as one batch has at the most, where operations are done in batches. */
export const BATCH = 10_000;

/** How often a batch of `count` fits into `size`. */
export const rounds = (size: number, count: number): number => Math.floor(size / count);

/**
 * `<file> NAME[,NAME…] SIZE`: measure these of the programs, and print how many operations there were in a second.
 * `perform` runs one to its end.
 */
export async function measure<Result>(
  programs: Readonly<Record<string, Program<Result>>>,
  perform: (program: Program<Result>, size: number) => PromiseLike<unknown>,
): Promise<void> {
  const [names = "", size = ""] = process.argv.slice(2);
  const count = Number(size);
  let operations = 0;
  let milliseconds = 0;
  for (const name of names.split(",")) {
    const program = programs[name];
    if (program === undefined) throw new Error(`no program named ${name}`);
    await perform(program, Math.ceil(count * WARM_UP));
    const begin = performance.now();
    await perform(program, count);
    milliseconds += performance.now() - begin;
    operations += count;
  }
  console.log(JSON.stringify({ operations: (1000 * operations) / milliseconds }));
}
