import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Build the package as users get it, in a temporary directory that this process removes when it ends. */
export function buildPackage(): string {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-ts-bench-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  copyFileSync(join(ROOT, "package.json"), join(directory, "package.json"));
  const args = [join(ROOT, "scripts/build.ts"), join(directory, "dist")];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the package could not be built:\n${stdout}${stderr}`);
  return directory;
}

/** Write a program into the directory of the package; it may import "asyncio-ts". */
export function writeProgram(directory: string, name: string, source: string): string {
  const file = join(directory, name);
  writeFileSync(file, source);
  return file;
}
