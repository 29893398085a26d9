import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
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
