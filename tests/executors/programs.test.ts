import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { inheritedFlags } from "../../src/executors/programs.ts";

const MAIN_ONLY: readonly string[][] = [
  ["-e", "1"],
  ["-p", "1"],
  ["-pe", "1"],
  ["--eval=1"],
  ["--print", "1"],
  ["-c"],
  ["-i"],
  ["--input-type=module"],
  ["--input-type", "module"],
  ["--inspect"],
  ["--inspect-brk=0"],
  ["--inspect-port", "0"],
  ["--test"],
  ["--test-name-pattern", "a word"],
  ["--test-name-pattern=a word"],
  ["--watch", "--watch-path", "src"],
];

const FOR_ALL: readonly string[][] = [
  ["--import", "./x.ts"],
  ["--import=./x.ts"],
  ["-r", "x"],
  ["--require", "x"],
  ["-C", "development"],
  ["--conditions", "development"],
  ["--max-old-space-size=100"],
  ["--stack-trace-limit", "3"],
  ["--expose-gc"],
  ["--trace-warnings", "--no-warnings"],
];

test("what is for the main program is not inherited, and neither is its value", () => {
  for (const flags of MAIN_ONLY) assert.deepEqual(inheritedFlags(flags), [], flags.join(" "));
});

test("other flags are inherited, with their values, whatever stands around them", () => {
  for (const flags of FOR_ALL) {
    for (const others of MAIN_ONLY) {
      assert.deepEqual(inheritedFlags([...others, ...flags, ...others]), flags, flags.join(" "));
    }
  }
  assert.deepEqual(inheritedFlags(FOR_ALL.flat()), FOR_ALL.flat());
});

test("a program with flags of two words has workers of either kind", () => {
  const index = new URL("../../src/index.ts", import.meta.url).href;
  const source = `
    import { ProcessPoolExecutor, ThreadPoolExecutor } from ${JSON.stringify(index)};
    await using processes = new ProcessPoolExecutor({ maxWorkers: 1 });
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 });
    console.log(await processes.submit(() => globalThis.preloaded), await threads.submit(() => "too"));
  `;
  const preload = "data:text/javascript,globalThis.preloaded = 'yes'";
  const flags = ["--test-name-pattern", "x", "--import", preload, "-r", "node:fs", "--input-type", "module"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, "-e", source], {
    encoding: "utf8",
  });
  assert.deepEqual({ stdout, status }, { stdout: "yes too\n", status: 0 }, stderr);
});
