/** A program of `src/workers/`, as it is here: TypeScript in the sources, JavaScript when built. */
export function programOf(name: "thread" | "process" | "serve"): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(`../workers/${name}${extension}`, import.meta.url);
}

const TAKES_VALUE = /^(-e|-p|-pe|--eval|--print)$/;
const OF_MAIN_PROGRAM = /^(-e|-p|-pe|--eval|--print|--input-type|--inspect|--test|--watch|--check|-c$)/;

/** Node's flags for this process that suit another program, too. */
export function inheritedFlags(flags: readonly string[] = process.execArgv): string[] {
  return flags.filter(
    (flag, index) => !OF_MAIN_PROGRAM.test(flag) && !TAKES_VALUE.test(flags[index - 1] ?? ""),
  );
}
