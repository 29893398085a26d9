import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");

function asyncioTs(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(ROOT, "src/cli/main.ts");
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: ROOT });
}

test("--help and --version go to stdout, and are no error", () => {
  const help = asyncioTs("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: asyncio-ts COMMAND/);
  assert.match(help.stdout, /^ {2}worker /m);
  const worker = asyncioTs("worker", "--help");
  assert.equal(worker.status, 0);
  assert.match(worker.stdout, /--allow-source/);
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  assert.deepEqual(asyncioTs("--version").stdout, `${version}\n`);
});

test("bad usage is told on stderr, with a way on, and exit code 2", () => {
  const wrong: [string[], RegExp][] = [
    [[], /^usage:/],
    [["nonsense"], /there is no command nonsense\nTry: asyncio-ts --help/],
    [["toString"], /there is no command toString/],
    [["worker"], /needs a module.*\nTry: asyncio-ts worker --help/],
  ];
  for (const [args, message] of wrong) {
    const { status, stdout, stderr } = asyncioTs(...args);
    assert.match(stderr, message, args.join(" "));
    assert.deepEqual([status, stdout], [2, ""], args.join(" "));
  }
});

test("without bullmq and ioredis all else works, and the worker says that it needs them", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-ts-cli-"));
  t.after(() => rmSync(directory, { recursive: true }));
  cpSync(join(ROOT, "src"), join(directory, "src"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(directory, "package.json"));
  mkdirSync(join(directory, "node_modules"));
  for (const name of ["acorn", "eslint-scope", "koffi"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(directory, "node_modules", name));
  }
  const node = (...args: string[]) => spawnSync(process.execPath, args, { encoding: "utf8", cwd: directory });
  const source = `
    const { ThreadPoolExecutor } = await import("./src/index.ts");
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    console.log(await pool.submit(() => "works"));
  `;
  assert.equal(node("--input-type=module", "--eval", source).stdout, "works\n");
  assert.match(node("src/cli/main.ts", "--help").stdout, /^usage/);
  const { status, stderr } = node("src/cli/main.ts", "worker", "jobs.ts");
  assert.equal(status, 1, stderr);
  assert.match(
    stderr,
    /Cannot find package '(bullmq|ioredis)'.*\nworker needs: npm install bullmq ioredis\n$/,
  );
});
