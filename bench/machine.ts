import { spawnSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { PYTHON } from "./peers.ts";

const EFFECT = fileURLToPath(new URL("node_modules/effect/package.json", import.meta.url));

/** Without what a distribution or a host has added to it. */
const VERSION = /^[\d.]*\d/.exec(release())?.[0] ?? release();

/** Where and when this runs, and which versions of what. */
export function machine(): string {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const parts = [
    `${type()} ${VERSION}, ${processors.length} × ${processors[0]?.model ?? "unknown"}, ${memory}`,
    `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    firstLine(PYTHON, ["-VV"]),
    pythonModule("uvloop"),
    pythonModule("httptools"),
    firstLine("cc", ["--version"]),
    firstLine(process.execPath, ["-p", `"effect " + require(${JSON.stringify(EFFECT)}).version`]),
    new Date().toISOString().slice(0, 10),
  ];
  return `${parts.filter(Boolean).join("; ")}.`;
}

const pythonModule = (name: string) =>
  firstLine(PYTHON, ["-c", `import ${name}; print("${name}", ${name}.__version__)`]);

function firstLine(command: string, args: readonly string[]): string {
  const { stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return stdout?.split("\n")[0]?.trim() ?? "";
}
