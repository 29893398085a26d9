import type { State, Verdict } from "./verdicts.ts";

const INTRODUCTION = `# Parity with Python's asyncio

What Python's asyncio has (3.15, and what of older versions is still in use), and what became of it here. Written by
\`npm run parity\` from [the API table](reference/asyncio-api.tsv), the library's real exports and
[the notes](reference/parity-notes.tsv): do not edit it by hand.

- **done**: it is there, and does the same.
- **different**: it does something else, or there is no such thing; the remark says what and why.
- **not yet**: it is still to come, as a part of the work that the remark names.

What is different in general, names and units above all, is in [differences.md](differences.md).
`;

const STATES: readonly State[] = ["done", "different", "not yet", "missing"];

/** docs/parity.md. */
export function page(verdicts: readonly Verdict[]): string {
  const modules = Map.groupBy(verdicts, ({ row }) => row.module);
  const sections = Array.from(modules, ([module, members]) => section(module, members));
  return [INTRODUCTION, summary(modules, verdicts), ...sections].join("\n");
}

function summary(modules: ReadonlyMap<string, readonly Verdict[]>, all: readonly Verdict[]): string {
  const states = STATES.filter((state) => state !== "missing" || count(all, state) > 0);
  const line = (title: string, verdicts: readonly Verdict[]) => [
    title,
    ...states.map((state) => String(count(verdicts, state))),
    String(verdicts.length),
  ];
  const lines = Array.from(modules, ([module, verdicts]) =>
    line(`[${module}](#${anchor(module)})`, verdicts),
  );
  const alignment = ["---", ...states.map(() => "--:"), "--:"];
  return table([["module", ...states, "all"], alignment, ...lines, line("**all**", all)]);
}

function section(module: string, verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ row, here, state, remark }) => [
    code(row.python),
    here === null ? "–" : code(here),
    state,
    remark,
  ]);
  const head = [
    ["Python", "here", "state", "remark"],
    ["---", "---", "---", "---"],
  ];
  return `## ${module}\n\n${table([...head, ...lines])}`;
}

function table(lines: readonly (readonly string[])[]): string {
  return lines.map((cells) => `| ${cells.map(cellText).join(" | ")} |\n`).join("");
}

function count(verdicts: readonly Verdict[], state: State): number {
  return verdicts.filter((verdict) => verdict.state === state).length;
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(" ", "-")
    .replace(/[^\w-]/g, "");
}

function code(text: string): string {
  return `\`${text}\``;
}

function cellText(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
