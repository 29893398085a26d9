import type { ApiRow, Note } from "./table.ts";

/** missing: nobody has said anything about it yet, and it is not there; the check fails. */
export type State = "done" | "different" | "not yet" | "missing";

/** What became of a row of the API table. */
export interface Verdict {
  readonly row: ApiRow;
  readonly state: State;
  /** Its name here; null if it has none. */
  readonly here: string | null;
  readonly remark: string;
}

/** What the notes are checked against. */
export interface World {
  /** Whether the library exports all that this cell names; null if it is no name. */
  exports(cell: string): boolean | null;
  /** Whether the repository has this file. */
  hasFile(path: string): boolean;
}

/** A verdict on each row, in their order; and what is wrong with the tables, in sentences. */
export function judge(
  rows: readonly ApiRow[],
  notes: readonly Note[],
  world: World,
): { verdicts: Verdict[]; problems: string[] } {
  const judged = rows.map((row) => {
    const note = notes.find(({ python }) => python === row.python);
    return note === undefined ? judgeAlone(row, world) : judgeNoted(row, note, world);
  });
  return {
    verdicts: judged.map(({ verdict }) => verdict),
    problems: [...problemsOfOrder(rows, notes), ...judged.flatMap(({ problem }) => problem ?? [])],
  };
}

interface Judged {
  readonly verdict: Verdict;
  readonly problem?: string;
}

function judgeAlone(row: ApiRow, world: World): Judged {
  const found = world.exports(row.ts);
  if (found === true) return { verdict: { row, state: "done", here: row.ts, remark: "" } };
  const problem =
    found === null
      ? `${row.python}: "${row.ts}" is no name that could be looked up, and there is no note about it`
      : `${row.python}: ${row.ts} is not exported, and there is no note about it`;
  return { verdict: { row, state: "missing", here: null, remark: "" }, problem };
}

function judgeNoted(row: ApiRow, note: Note, world: World): Judged {
  switch (note.state) {
    case "done":
      return judgeEvidence(row, note, world);
    case "different":
      return { verdict: { row, state: "different", here: nameHere(row, world), remark: note.reason } };
    case "issue":
    case "partly":
      return judgeUnfinished(row, note, world);
  }
}

function judgeEvidence(row: ApiRow, { reason }: Note, world: World): Judged {
  const [evidence = "", ...words] = reason.split(": ");
  const isFile = evidence.includes("/");
  const there = isFile ? world.hasFile(evidence) : world.exports(evidence) === true;
  if (!there) {
    const what = isFile ? "there is no such file" : "that is not exported";
    return {
      verdict: { row, state: "missing", here: null, remark: "" },
      problem: `${row.python}: its note says that it is done by ${evidence}, but ${what}`,
    };
  }
  const here = isFile ? nameHere(row, world) : evidence;
  const remark = [...(isFile ? [`shown by ${evidence}`] : []), ...words].join(": ");
  return { verdict: { row, state: "done", here, remark } };
}

function judgeUnfinished(row: ApiRow, note: Note, world: World): Judged {
  const found = world.exports(row.ts);
  const lead = note.state === "issue" ? note.issue : `${note.issue}, in part`;
  const remark = note.reason === "" ? lead : `${lead}: ${note.reason}`;
  const verdict: Verdict = { row, state: "not yet", here: row.ts === "-" ? null : row.ts, remark };
  if (note.state === "issue" && found === true) {
    return {
      verdict,
      problem: `${row.python}: ${row.ts} is exported now, so its note "not yet" is out of date`,
    };
  }
  if (note.state === "partly" && found === false) {
    return {
      verdict,
      problem: `${row.python}: its note says "partly", but ${row.ts} is not exported at all`,
    };
  }
  return { verdict };
}

function nameHere(row: ApiRow, world: World): string | null {
  return world.exports(row.ts) === true ? row.ts : null;
}

function problemsOfOrder(rows: readonly ApiRow[], notes: readonly Note[]): string[] {
  const order = new Map(rows.map(({ python }, index) => [python, index]));
  const problems: string[] = [];
  let last = -1;
  for (const { python } of notes) {
    const position = order.get(python);
    if (position === undefined) problems.push(`${python}: there is a note about it, but no such row`);
    else if (position === last) problems.push(`${python}: there are two notes about it`);
    else if (position < last)
      problems.push(`${python}: its note is out of order; they stand as the API table's rows do`);
    last = Math.max(last, position ?? last);
  }
  return problems;
}
