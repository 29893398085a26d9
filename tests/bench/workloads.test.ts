import assert from "node:assert/strict";
import { test } from "node:test";
import { REASONS } from "../../bench/reasons.ts";
import { chosen, WORKLOADS } from "../../bench/workloads.ts";

const namesOf = (...names: string[]) => chosen(names).map(({ name }) => name);

test("without names, all workloads are chosen", () => {
  assert.deepEqual(chosen([]), WORKLOADS);
});

test("a workload is chosen by its name, or by how it begins, in the order of the list", () => {
  assert.deepEqual(namesOf("tcp-1k-50"), ["tcp-1k-50"]);
  assert.deepEqual(namesOf("tcp-1k-5"), ["tcp-1k-50", "tcp-1k-500"]);
  assert.deepEqual(namesOf("unix", "streams"), ["streams-1k-50", "streams-100k-50", "unix-1k-50"]);
});

test("a name that there is not is an error that tells it", () => {
  assert.throws(() => chosen(["tcp", "no-such"]), /^Error: no workload named no-such$/);
});

test("no two workloads have the same name, and comparisons are of sides and figures that there are", () => {
  assert.equal(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length);
  for (const { name, sides, comparisons } of WORKLOADS) {
    const names = sides.map((side) => side.name);
    assert.equal(new Set(names).size, names.length, name);
    for (const { ours, theirs } of comparisons)
      assert.ok(names.includes(ours) && names.includes(theirs), name);
  }
});

test("each reason why an aim is missed is of a workload that there is", () => {
  const names = WORKLOADS.map(({ name }) => name);
  assert.deepEqual(
    Object.keys(REASONS).filter((name) => !names.includes(name)),
    [],
  );
});
