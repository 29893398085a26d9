/** The arguments of a program, and behind them options, if there are any. */
export type ProgramArguments<O extends object> = readonly string[] | readonly [...string[], O];

/** The two apart. Whether they are of the right types is another question. */
export function splitOptions<O extends object>(
  args: ProgramArguments<O>,
): [args: readonly string[], options: O] {
  const last: unknown = args.at(-1);
  const isOptions =
    typeof last === "object" && last !== null && !(last instanceof URL) && !ArrayBuffer.isView(last);
  if (isOptions) return [args.slice(0, -1) as string[], last as O];
  return [args as readonly string[], {} as O];
}
