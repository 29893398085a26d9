import type { Point } from "./fit.ts";

/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A plot with logarithmic axes. */
export interface Plot {
  readonly title: string;
  readonly x: { readonly label: string; readonly unit: string };
  readonly y: { readonly unit: string };
  readonly lines: readonly Line[];
}

const WIDTH = 440;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = WIDTH - 16;
const TOP = 64;
const BOTTOM = HEIGHT - 48;

/** As the grey of the text: to be seen on white and on black. */
const COLOURS = ["#2f81f7", "#d1690e", "#2da44e", "#a371f7"];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #7d8590 }
  .title { font-size: 13px; font-weight: 600 }
  .grid { stroke: #8b949e; stroke-opacity: 0.3 }
  .line { fill: none; stroke-width: 2 }
`;

/** The plots side by side, as an SVG document. */
export function svgOf(plots: readonly Plot[]): string {
  const width = WIDTH * plots.length;
  const groups = plots.map((plot, i) => `<g transform="translate(${i * WIDTH} 0)">\n${drawing(plot)}\n</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}">`,
    `<style>${STYLE}</style>`,
    ...groups,
    "</svg>\n",
  ].join("\n");
}

function drawing({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const across = new Scale(
    points.map(([value]) => value),
    LEFT,
    RIGHT,
  );
  const up = new Scale(
    points.map(([, value]) => value),
    BOTTOM,
    TOP,
  );
  return [
    text(LEFT, 20, title, 'class="title"'),
    ...across.ticks().flatMap((tick) => verticalTick(across.place(tick), valueText(tick, x.unit))),
    ...up.ticks().flatMap((tick) => horizontalTick(up.place(tick), valueText(tick, y.unit))),
    text((LEFT + RIGHT) / 2, HEIGHT - 10, x.label, 'text-anchor="middle"'),
    ...lines.flatMap((line, i) => drawnLine(line, i, across, up)),
  ].join("\n");
}

function verticalTick(x: number, label: string): string[] {
  return [
    `<path class="grid" d="M${x} ${TOP}V${BOTTOM}"/>`,
    text(x, BOTTOM + 18, label, 'text-anchor="middle"'),
  ];
}

function horizontalTick(y: number, label: string): string[] {
  return [
    `<path class="grid" d="M${LEFT} ${y}H${RIGHT}"/>`,
    text(LEFT - 6, y + 4, label, 'text-anchor="end"'),
  ];
}

function drawnLine({ name, points }: Line, index: number, across: Scale, up: Scale): string[] {
  const colour = COLOURS[index % COLOURS.length]!;
  const places = points.map(([x, y]) => [across.place(x), up.place(y)] as const);
  const path = places.map(([x, y]) => `${x} ${y}`).join("L");
  const legend = LEFT + 150 * index;
  return [
    `<path class="line" stroke="${colour}" d="M${path}"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`),
    `<circle cx="${legend + 4}" cy="42" r="4" fill="${colour}"/>`,
    text(legend + 14, 46, name, ""),
  ];
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}

/** From whole powers of ten around the values to places on the page. */
class Scale {
  readonly #first: number;
  readonly #last: number;
  readonly #start: number;
  readonly #end: number;

  constructor(values: readonly number[], start: number, end: number) {
    this.#first = Math.floor(Math.log10(Math.min(...values)));
    this.#last = Math.max(Math.ceil(Math.log10(Math.max(...values))), this.#first + 1);
    this.#start = start;
    this.#end = end;
  }

  place(value: number): number {
    const share = (Math.log10(value) - this.#first) / (this.#last - this.#first);
    return Math.round(10 * (this.#start + share * (this.#end - this.#start))) / 10;
  }

  ticks(): readonly number[] {
    return Array.from({ length: this.#last - this.#first + 1 }, (_, i) => 10 ** (this.#first + i));
  }
}

const PREFIXES = new Map([
  [9, "G"],
  [6, "M"],
  [3, "k"],
  [0, ""],
  [-3, "m"],
  [-6, "µ"],
  [-9, "n"],
]);

/** With three digits and a prefix: 1 µs, 10 kB, 100k. */
export function valueText(value: number, unit: string): string {
  const power = Math.min(9, Math.max(-9, 3 * Math.floor((Math.log10(value) + 1e-9) / 3)));
  const digits = String(Number((value / 10 ** power).toPrecision(3)));
  return `${digits}${unit === "" ? "" : " "}${PREFIXES.get(power)}${unit}`;
}
