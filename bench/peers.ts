import { spawnSync } from "node:child_process";

/** Debian's, for which there is a package of uvloop. */
export const PYTHON = process.env.BENCH_PYTHON ?? "/usr/bin/python3";

const missing = new Map<string, string | null>();

/** Why `python3 -c "import <module>"` does not work, or null. */
export function missingInPython(module: string): string | null {
  if (!missing.has(module)) missing.set(module, whyMissing(module));
  return missing.get(module) ?? null;
}

function whyMissing(module: string): string | null {
  const { error, status } = spawnSync(PYTHON, ["-c", `import ${module}`]);
  if (error) return `there is no ${PYTHON}`;
  return status === 0 ? null : `${PYTHON} has no ${module} (bench/setup.sh installs it)`;
}
