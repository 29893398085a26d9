import assert from "node:assert/strict";
import { test } from "node:test";
import { atLeast, atMostMore } from "../../bench/aim.ts";
import { type Published, report } from "../../bench/report.ts";
import type { Comparison, Workload } from "../../bench/workload.ts";

function workload(name: string, comparisons: readonly Comparison[]): Workload {
  const about = `What ${name} is.`;
  return {
    name,
    about,
    notes: ["A note."],
    unit: "ms",
    sizeUnit: "of it",
    size: 1000,
    sides: [],
    comparisons,
  };
}

function results(name: string): Published {
  const series = [
    { side: "ours", figures: [{ time: 1 }, { time: 2 }] },
    { side: "theirs", figures: [{ time: 4 }, { time: 4 }] },
  ];
  return {
    workload: name,
    size: 1000,
    rounds: 2,
    series,
    missing: ["other: not here"],
    machine: "A machine.",
  };
}

const faster: Comparison = { figure: "time", ours: "ours", theirs: "theirs", aim: atLeast(2, "time") };

test("the report begins with what each workload must reach, in the order of the workloads", () => {
  const slower = { ...faster, ours: "theirs", theirs: "ours" };
  const missed = { ...slower, aim: atMostMore(1) };
  const text = report(
    [
      workload("first", [faster, { ...faster, theirs: "other" }]),
      workload("unmeasured", [faster]),
      workload("second", [slower, missed]),
    ],
    [results("second"), results("first")],
  );
  const table = text.split("\n").filter((line) => line.startsWith("| first") || line.startsWith("| second"));
  assert.deepEqual(table, [
    "| first, time | ours | theirs | ≥ 2.00 | 3.00 (2.00–4.00) | yes |",
    "| first, time | ours | other | ≥ 2.00 | – | left out |",
    "| second, time | theirs | ours | ≥ 2.00 | 0.38 (0.25–0.50) | no |",
    "| second, time | theirs | ours | ≤ 1 ms more | 2.50 (2.00–3.00) | no |",
  ]);
});

test("a section tells all that was measured, and under which conditions", () => {
  const text = report([workload("first", [faster])], [results("first")]);
  assert.equal(
    text.slice(text.indexOf("## first")),
    `## first

What first is.

1,000 of it, 2 rounds, the sides in turn; ms: median (min–max).

| side | time |
| --- | --- |
| ours | 1.5 (1–2) |
| theirs | 4 (4–4) |

| figure | ours | against | aim | median (min–max) | reached? |
| --- | --- | --- | --- | --- | --- |
| time | ours | theirs | ≥ 2.00 | 3.00 (2.00–4.00) | yes |

A note.

Left out, other: not here.

A machine.
`,
  );
});

test("a section says why an aim was missed, and nothing where all were reached", () => {
  const slower = { ...faster, ours: "theirs", theirs: "ours" };
  const textWith = (comparison: Comparison) =>
    report([{ ...workload("first", [comparison]), why: "It is so." }], [results("first")]);
  assert.match(textWith(slower), /\| no \|\n\n\*\*Why not:\*\* It is so\.\n\nA note\./);
  assert.doesNotMatch(textWith(faster), /Why not/);
});
