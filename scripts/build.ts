/** `npm run build [-- DIRECTORY]`: what users get, in dist/ or that directory: tsc's output, joined into few files. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve, sep } from "node:path";
import { type GetModuleInfo, type RollupLog, rollup } from "rollup";

const ROOT = join(import.meta.dirname, "..");

/** What is loaded by its path: by package.json, or as the program of a worker. */
const ENTRIES = [
  "index",
  "testing/index",
  "executors/bullmq/index",
  "cli/main",
  "workers/process",
  "workers/serve",
  "workers/thread",
  "workers/watch-parent",
];

/** JavaScript in one directory, declarations in the other. */
function compile(modules: string, declarations: string): void {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const directories = ["--outDir", modules, "--declarationDir", declarations];
  const args = [compiler, "-p", join(ROOT, "tsconfig.build.json"), ...directories];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) throw new Error("tsc found something wrong");
}

/** What several entries share stands in files of its own, so that there is one of each class. */
async function joinModules(modules: string, output: string): Promise<void> {
  const bundle = await rollup({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(modules, `${name}.js`)])),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    // Unused code tests and knip find; to guess at it could only change what is left.
    treeshake: false,
    plugins: [{ name: "builtins", renderChunk: (code) => takeBuiltins(code) }],
    onLog: (_, log) => refuse(log),
  });
  await bundle.write({
    dir: output,
    manualChunks: (id, { getModuleInfo }) => {
      const isNeededBy = (program: string) =>
        importsOf(join(modules, `workers/${program}.js`), getModuleInfo).has(id);
      // The kernel's frames in a stack are known by their file, which must then hold nothing else: core/stack-frames.ts.
      if (id.startsWith(join(modules, "core") + sep)) return "core/kernel";
      if (isNeededBy("thread")) return "shared/work";
      return isNeededBy("serve") ? "shared/library" : null;
    },
    // As deep as the sources, so that paths from import.meta.url lead to the same place.
    chunkFileNames: ({ name }) => (name.includes("/") ? "[name].js" : "shared/[name].js"),
    hoistTransitiveImports: false,
    minifyInternalExports: false,
  });
  await bundle.close();
}

/** All that a program imports, directly or not. */
function importsOf(program: string, getModuleInfo: GetModuleInfo): Set<string> {
  const found = new Set<string>();
  const visit = (id: string) => {
    for (const imported of getModuleInfo(id)?.importedIds ?? []) {
      if (found.has(imported)) continue;
      found.add(imported);
      visit(imported);
    }
  };
  visit(program);
  return found;
}

/**
 * Have Node's modules without importing them: for an import Node reads all that a module exports, and with that loads what else
 * hangs from it: for `node:fs`, its promises and streams. Together that takes 4 milliseconds.
 */
function takeBuiltins(code: string): string {
  const taken = code.replace(
    /^import (?:\* as )?(\w+|\{[^}]+\}) from '(node:[^']+)';$/gm,
    (_, names: string, id) => `const ${names.replaceAll(" as ", ": ")} = process.getBuiltinModule("${id}");`,
  );
  if (/^import .*'node:/m.test(taken))
    throw new Error("a module of Node's is imported in a way not thought of");
  return taken;
}

function refuse(log: RollupLog): void {
  // tsc's helpers for `using` ask whether a global one is there.
  if (log.code !== "THIS_IS_UNDEFINED") throw new Error(log.message);
}

const output = resolve(process.argv[2] ?? join(ROOT, "dist"));
const modules = realpathSync(mkdtempSync(join(tmpdir(), "asyncio-ts-build-")));
try {
  rmSync(output, { recursive: true, force: true });
  compile(modules, output);
  await joinModules(modules, output);
} finally {
  rmSync(modules, { recursive: true, force: true });
}
