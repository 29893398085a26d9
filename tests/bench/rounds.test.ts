import assert from "node:assert/strict";
import { test } from "node:test";
import { atLeast } from "../../bench/aim.ts";
import { numberText, ratiosOf, runRounds, spreadOf } from "../../bench/rounds.ts";
import type { Side, Workload } from "../../bench/workload.ts";

/** A side that gives these speeds, one a round, and writes its name down. */
function side(name: string, speeds: readonly number[], order: string[], missing: string | null = null): Side {
  const rest = [...speeds];
  const measure = async (size: number) => {
    order.push(name);
    return { speed: rest.shift()! * size };
  };
  return { name, missing, measure };
}

function workload(sides: readonly Side[]): Workload {
  const comparisons = ["theirs", "absent"].map((theirs) => {
    return { figure: "speed", ours: "ours", theirs, aim: atLeast(1) };
  });
  return { name: "work", about: "", unit: "", sizeUnit: "", size: 1, sides, comparisons };
}

test("the sides take turns, and those that are not here are told of", async () => {
  const order: string[] = [];
  const sides = [side("ours", [1, 2], order), side("theirs", [3, 4], order), side("absent", [], order, "no")];
  const results = await runRounds(workload(sides), { size: 10, rounds: 2, log: () => {} });
  assert.deepEqual(order, ["ours", "theirs", "ours", "theirs"]);
  assert.deepEqual(results, {
    workload: "work",
    size: 10,
    rounds: 2,
    series: [
      { side: "ours", figures: [{ speed: 10 }, { speed: 20 }] },
      { side: "theirs", figures: [{ speed: 30 }, { speed: 40 }] },
    ],
    missing: ["absent: no"],
  });
});

test("what is compared are the figures of the same round, of sides that ran", async () => {
  const sides = [side("ours", [10, 200, 3000], []), side("theirs", [10, 100, 1000], [])];
  const work = workload([...sides, side("absent", [], [], "no")]);
  const results = await runRounds(work, { size: 1, rounds: 3, log: () => {} });
  const [ratio, ...others] = ratiosOf(work, results);
  assert.deepEqual(ratio!.ratio, { median: 2, min: 1, max: 3 });
  assert.deepEqual(others, []);
});

test("an error of a side says whose it is", async () => {
  const broken: Side = { name: "ours", missing: null, measure: () => Promise.reject(new Error("oh")) };
  await assert.rejects(
    runRounds(workload([broken]), { size: 1, rounds: 1, log: () => {} }),
    /^Error: ours failed/,
  );
});

test("the median of an even number of values lies between the two in the middle", () => {
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spreadOf([5]), { median: 5, min: 5, max: 5 });
});

test("numbers have as many digits as say something", () => {
  assert.deepEqual([0.12345, 12.345, 123.45, 1234567.8].map(numberText), [
    "0.123",
    "12.3",
    "123",
    "1,234,568",
  ]);
});
