import assert from "node:assert/strict";
import { test } from "node:test";
import { type Plot, svgOf, valueText } from "../../../bench/growth/svg.ts";

const plot: Plot = {
  title: "Time & <space>",
  x: { label: "tasks", unit: "" },
  y: { unit: "s" },
  lines: [
    {
      name: "one",
      points: [
        [10, 1e-6],
        [100, 1e-5],
        [1000, 1e-4],
      ],
    },
    { name: "two", points: [[10, 3e-5]] },
  ],
};

const all = (svg: string, pattern: RegExp) => Array.from(svg.matchAll(pattern), ([, ...groups]) => groups);
const texts = (svg: string) => all(svg, /<text [^>]*>([^<]*)<\/text>/g).map(([content]) => content);

test("a number is written with three digits and the prefix of its unit", () => {
  const written = [1e-9, 1.234e-6, 0.001, 1, 999].map((value) => valueText(value, "s"));
  assert.deepEqual(written, ["1 ns", "1.23 µs", "1 ms", "1 s", "999 s"]);
  assert.deepEqual(
    [64, 1000, 2 ** 24].map((value) => valueText(value, "B")),
    ["64 B", "1 kB", "16.8 MB"],
  );
  assert.deepEqual(
    [10, 31_623, 1e6].map((value) => valueText(value, "")),
    ["10", "31.6k", "1M"],
  );
});

test("each power of ten has a label, and each line a name", () => {
  const svg = svgOf([plot]);
  assert.deepEqual(texts(svg).sort(), [
    "1 µs",
    "10",
    "10 µs",
    "100",
    "100 µs",
    "1k",
    "Time &amp; &lt;space>",
    "one",
    "tasks",
    "two",
  ]);
});

test("equal factors are equal distances, to the right and upwards", () => {
  const [path] = all(svgOf([plot]), /class="line" stroke="[^"]+" d="M([^"]+)"/g)[0]!;
  const places = path!.split("L").map((place) => place.split(" ").map(Number) as [number, number]);
  const [[x1, y1], [x2, y2], [x3, y3]] = places as [[number, number], [number, number], [number, number]];
  assert.ok(x1 < x2 && y1 > y2);
  assert.ok(Math.abs(x3 - x2 - (x2 - x1)) < 0.2);
  assert.ok(Math.abs(y3 - y2 - (y2 - y1)) < 0.2);
});

test("every point is inside of the plot, also if all have the same value", () => {
  const flat: Plot = {
    ...plot,
    lines: [
      {
        name: "flat",
        points: [
          [5, 10],
          [5, 10],
        ],
      },
    ],
  };
  for (const one of [plot, flat]) {
    const svg = svgOf([one]);
    const [width, height] = all(svg, /viewBox="0 0 (\d+) (\d+)"/g)[0]!.map(Number);
    const circles = all(svg, /<circle cx="([\d.-]+)" cy="([\d.-]+)"/g);
    assert.equal(
      circles.length,
      one.lines.reduce((sum, { points }) => sum + points.length + 1, 0),
    );
    for (const [cx, cy] of circles.map((circle) => circle.map(Number))) {
      assert.ok(cx! > 0 && cx! < width! && cy! > 0 && cy! < height!, `${cx} ${cy}`);
    }
  }
});

test("plots stand side by side, each with its own scales", () => {
  const bytes: Plot = {
    ...plot,
    title: "Memory",
    y: { unit: "B" },
    lines: [{ name: "one", points: [[10, 5e6]] }],
  };
  const svg = svgOf([plot, bytes]);
  assert.deepEqual(all(svg, /viewBox="0 0 (\d+) /g), [[String(880)]]);
  assert.deepEqual(all(svg, /translate\((\d+) 0\)/g), [["0"], ["440"]]);
  assert.ok(texts(svg).includes("1 MB") && texts(svg).includes("1 µs"));
});
