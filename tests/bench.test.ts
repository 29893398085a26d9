import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const MAIN = new URL("../bench/main.ts", import.meta.url).pathname;

interface Results {
  workload: string;
  series: { side: string; figures: Record<string, number>[] }[];
  ratios: { ours: string; theirs: string; ratio: { median: number } }[];
}

/** A trial run: too small to measure anything, but every side that is installed has to do its work. */
function trial(workload: string, size: number): Results {
  const args = [MAIN, workload, "--json", "--rounds", "1", "--size", String(size)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const [results] = JSON.parse(stdout) as Results[];
  assert.equal(results?.workload, workload);
  return results;
}

test("the benchmark of idle connections measures all sides, and compares them", () => {
  const { series, ratios } = trial("idle-connections", 20);
  const sides = series.map(({ side }) => side);
  for (const side of ["portable protocol", "node:net"]) assert.ok(sides.includes(side), side);
  for (const { side, figures } of series) {
    assert.deepEqual(Object.values(figures[0]!).map(Number.isFinite), [true, true, true], side);
  }
  for (const { ours, theirs } of ratios) assert.ok(sides.includes(ours) && sides.includes(theirs));
});

test("a benchmark that there is not is an error that names it", () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, "no-such"], { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /no workload named no-such/);
});
