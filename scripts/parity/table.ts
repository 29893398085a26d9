/** A row of docs/reference/asyncio-api.tsv: something that Python's asyncio has, and what it is called here. */
export interface ApiRow {
  readonly module: string;
  readonly python: string;
  readonly ts: string;
}

/**
 * A row of docs/reference/parity-notes.tsv: what a human found out about a row of the API table.
 *
 * - done: it is there, though not under a plain name. The reason begins with the evidence: an exported name, or a file.
 * - different: it is there in another way, or will not be. The reason says which.
 * - issue: it is not there yet.
 * - partly: it is there, and a part of it is not there yet. The reason says which.
 */
export interface Note {
  readonly python: string;
  readonly state: "done" | "different" | "issue" | "partly";
  /** For issue and partly: the work of which it is a part. */
  readonly issue: string;
  readonly reason: string;
}

/** The work that is still to come: what a note may name as its issue. */
const ISSUES = ["data plane", "processes and executors", "tools"];

/** Throws Error if the header is not the one of the API table. */
export function parseApi(text: string): ApiRow[] {
  const [header = "", ...lines] = linesOf(text);
  if (!header.startsWith("module\tpython\tts\t")) throw new Error(`not the API table: ${header}`);
  return lines.map((line) => {
    const [module = "", python = "", ts = ""] = line.split("\t");
    return { module, python, ts };
  });
}

/** Throws Error for a line that is no note. */
export function parseNotes(text: string): Note[] {
  const [header = "", ...lines] = linesOf(text);
  if (header !== "python\tstate\treason") throw new Error(`not the table of notes: ${header}`);
  return lines.map(parseNote);
}

function parseNote(line: string): Note {
  const [python = "", stateAndIssue = "", reason = "", ...rest] = line.split("\t");
  const [, state, issue = ""] = /^(done|different|issue|partly)(?: (.+))?$/.exec(stateAndIssue) ?? [];
  const needsIssue = state === "issue" || state === "partly";
  if (state === undefined || rest.length > 0 || needsIssue !== ISSUES.includes(issue)) {
    throw new Error(
      `not a note: ${JSON.stringify(line)}; its state must be done, different, or issue or partly with one of: ` +
        ISSUES.join(", "),
    );
  }
  if (reason === "" && state !== "issue") throw new Error(`a note needs a reason: ${JSON.stringify(line)}`);
  return { python, state: state as Note["state"], issue, reason };
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
