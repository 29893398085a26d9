/** A program of `src/workers/`, as it is here: TypeScript in the sources, JavaScript when built. */
export function programOf(name: "thread" | "process" | "serve"): URL {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(`../workers/${name}${extension}`, import.meta.url);
}

const OF_MAIN_PROGRAM =
  /^(-[eipc]|-pe|--(eval|print|interactive|check|input-type|inspect|debug-port|run|test|watch|build-s|experimental-test).*)$/;

/** Node's flags for this process that suit another program, too. */
export function inheritedFlags(flags: readonly string[] = process.execArgv): string[] {
  let isInherited = true;
  return flags.filter((word) => {
    // A word without a dash is the value of the flag before it: Node takes no value that begins with one.
    if (word.startsWith("-")) isInherited = !OF_MAIN_PROGRAM.test(word);
    return isInherited;
  });
}
