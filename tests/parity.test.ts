import assert from "node:assert/strict";
import { test } from "node:test";
import { declarationOf } from "../scripts/parity/declarations.ts";
import { namesIn } from "../scripts/parity/names.ts";
import { page } from "../scripts/parity/page.ts";
import { PublicApi } from "../scripts/parity/public-api.ts";
import { parseApi, parseNotes } from "../scripts/parity/table.ts";
import { judge } from "../scripts/parity/verdicts.ts";

const HEADER = "module\tpython\tts\tin_seed\n";

const INDEX = `
export { type Guard, Lock } from "./locks.ts";
export type { Details, Info } from "./info.ts";
export { EventLoop } from "./loop.ts";
`;

const SOURCES: Record<string, string> = {
  "./locks.ts": `
/** What is held. */
export class Guard implements Disposable {
  /** @internal */
  readonly secret = 1;
  readonly #hidden = 2;
  private readonly own = 3;

  [Symbol.dispose](): void {
    this.release();
  }
}

export class Lock extends LoopBound {
  /** How many. */
  readonly size: number;
}
`,
  "./info.ts": `export interface Info {\n  peername: string | null;\n}\nexport interface Details extends Info {\n}\n`,
  "./loop.ts": "export class EventLoop {\n}\n",
};

class LoopBound {
  bind() {}
}

class Lock extends LoopBound {
  static make() {}
  acquire() {}
  *[Symbol.iterator]() {}
}

class EventLoop {
  stop() {}
}

const NodeType = { TASK: 1 };
const api = new PublicApi({ Lock, EventLoop, tools: { NodeType } }, INDEX, (file) => SOURCES[file]!);
const world = {
  exports: (cell: string) => api.exports(cell),
  hasFile: (path: string) => path === "tests/there.test.ts",
};

/** The state and remark of each row, and the problems, for rows "python → ts" and the lines of the notes. */
function judged(rows: readonly (readonly [python: string, ts: string])[], ...notes: string[]) {
  const table = parseApi(HEADER + rows.map(([python, ts]) => `sync\t${python}\t${ts}\tyes\n`).join(""));
  const { verdicts, problems } = judge(
    table,
    parseNotes(`python\tstate\treason\n${notes.join("\n")}`),
    world,
  );
  return { states: verdicts.map(({ state }) => state), remarks: verdicts.map((v) => v.remark), problems };
}

test("a cell that is a plain name, or several, names what must be exported", () => {
  assert.deepEqual(namesIn("run"), [["run"]]);
  assert.deepEqual(namesIn("loop.callSoon"), [["EventLoop", "callSoon"]]);
  assert.deepEqual(namesIn("new Task"), [["Task"]]);
  assert.deepEqual(namesIn("Future<T>"), [["Future"]]);
  assert.deepEqual(namesIn("timeout(delay, body)"), [["timeout"]]);
  assert.deepEqual(namesIn("TaskGroup.run(body)"), [["TaskGroup", "run"]]);
  assert.deepEqual(namesIn("AF_INET, AF_UNIX"), [["AF_INET"], ["AF_UNIX"]]);
  assert.deepEqual(namesIn("Task[Symbol.iterator] / Task.then"), [
    ["Task", "[Symbol.iterator]"],
    ["Task", "then"],
  ]);
  assert.deepEqual(namesIn("Mixin.pause, resume"), [
    ["Mixin", "pause"],
    ["Mixin", "resume"],
  ]);
  assert.deepEqual(namesIn("getExtraInfo('peername')"), [["ExtraInfo", "peername"]]);
});

test("a cell that describes something names nothing", () => {
  const cells = [
    "-",
    "{debug: true}",
    "yield* fut",
    "ASYNCIO_DEBUG (env)",
    "--retries N (CLI)",
    "dev mode flag",
  ];
  for (const cell of cells) assert.equal(namesIn(cell), null, cell);
});

test("members are found on instances, classes, parents and in declarations; only public ones", () => {
  const found = [
    "Lock.acquire",
    "Lock.make",
    "Lock.bind",
    "Lock[Symbol.iterator]",
    "Lock.size",
    "Info.peername",
  ];
  for (const cell of [
    ...found,
    "Guard[Symbol.dispose]",
    "Details.peername",
    "tools.NodeType.TASK",
    "loop.stop",
  ])
    assert.equal(world.exports(cell), true, cell);
  const absent = [
    "Lock.release",
    "Lock.toString",
    "Lock.name",
    "Lock.make.call",
    "Guard.secret",
    "Guard.own",
  ];
  for (const cell of [
    ...absent,
    "Guard.hidden",
    "Lock.acquire / Lock.release",
    "tools.NodeType.FLY",
    "Unknown",
    "loop.call",
  ])
    assert.equal(world.exports(cell), false, cell);
});

test("a declaration ends with its brace, and knows its parents", () => {
  const source = "export interface A extends B<C>, D {\n  x: 1;\n}\nexport interface E {\n  y: 2;\n}\n";
  assert.deepEqual(declarationOf("A", source), { members: new Set(["x"]), parents: ["B", "D"] });
  assert.equal(declarationOf("B", source), null);
});

test("a row that is exported is done", () => {
  assert.deepEqual(judged([["Lock.acquire", "Lock.acquire"]]), {
    states: ["done"],
    remarks: [""],
    problems: [],
  });
});

test("a row that is neither found nor explained is a problem", () => {
  assert.deepEqual(
    judged([
      ["Lock.release", "Lock.release"],
      ["-X dev", "dev mode flag"],
    ]),
    {
      states: ["missing", "missing"],
      remarks: ["", ""],
      problems: [
        "Lock.release: Lock.release is not exported, and there is no note about it",
        '-X dev: "dev mode flag" is no name that could be looked up, and there is no note about it',
      ],
    },
  );
});

test("a note that something is different stands with or without an export, and gives the remark", () => {
  const rows = [
    ["run", "Lock"],
    ["policy", "policy"],
  ] as const;
  assert.deepEqual(judged(rows, "run\tdifferent\tGives a promise.", "policy\tdifferent\tNo such thing."), {
    states: ["different", "different"],
    remarks: ["Gives a promise.", "No such thing."],
    problems: [],
  });
});

test("a note that something is not there yet is out of date once it is exported", () => {
  assert.deepEqual(judged([["TLS", "startTls"]], "TLS\tissue data plane\t"), {
    states: ["not yet"],
    remarks: ["data plane"],
    problems: [],
  });
  assert.deepEqual(judged([["Lock", "Lock"]], "Lock\tissue data plane\t").problems, [
    'Lock: Lock is exported now, so its note "not yet" is out of date',
  ]);
});

test("a note that something is there in part needs the export", () => {
  assert.deepEqual(judged([["Lock", "Lock"]], "Lock\tpartly data plane\twithout keys."), {
    states: ["not yet"],
    remarks: ["data plane, in part: without keys."],
    problems: [],
  });
  assert.deepEqual(judged([["Key", "Key"]], "Key\tpartly data plane\twithout teeth.").problems, [
    'Key: its note says "partly", but Key is not exported at all',
  ]);
});

test("a note that something is done needs evidence: an export or a file", () => {
  const rows = [
    ["report", "never-awaited report"],
    ["exit", "LockGuard.exit"],
  ] as const;
  assert.deepEqual(
    judged(
      rows,
      "report\tdone\ttests/there.test.ts",
      "exit\tdone\tGuard[Symbol.dispose]: at the end of a block",
    ),
    {
      states: ["done", "done"],
      remarks: ["shown by tests/there.test.ts", "at the end of a block"],
      problems: [],
    },
  );
  assert.deepEqual(judged(rows, "report\tdone\ttests/gone.test.ts", "exit\tdone\tGuard.exit").problems, [
    "report: its note says that it is done by tests/gone.test.ts, but there is no such file",
    "exit: its note says that it is done by Guard.exit, but that is not exported",
  ]);
});

test("the notes are about rows that exist, each once, in the order of the rows", () => {
  const rows = [
    ["a", "Lock"],
    ["b", "Lock"],
  ] as const;
  const note = (python: string) => `${python}\tdifferent\tA reason.`;
  assert.deepEqual(judged(rows, note("a"), note("a"), note("c")).problems, [
    "a: there are two notes about it",
    "c: there is a note about it, but no such row",
  ]);
  assert.deepEqual(judged(rows, note("b"), note("a")).problems, [
    "a: its note is out of order; they stand as the API table's rows do",
  ]);
});

test("a table that is not one is refused, with the line", () => {
  const notes = (line: string) => () => parseNotes(`python\tstate\treason\n${line}`);
  assert.throws(() => parseApi("a\tb\n"), /not the API table/);
  assert.throws(() => parseNotes("a\tb\n"), /not the table of notes/);
  assert.throws(notes("a\tissue tea\t"), /not a note: "a\\tissue tea\\t"; .* data plane/);
  assert.throws(notes("a\tissue\t"), /not a note/);
  assert.throws(notes("a\tdone tools\tLock"), /not a note/);
  assert.throws(notes("a\tdifferent\t"), /needs a reason/);
});

test("the page counts by module, and has a section for each", () => {
  const rows = parseApi(`${HEADER}sync\tLock|Mutex\tLock\tyes\ndev/debug\tps\t-\tyes\n`);
  const { verdicts } = judge(rows, parseNotes("python\tstate\treason\nps\tissue tools\t"), world);
  const text = page(verdicts);
  assert.match(text, /\n\| module \| done \| different \| not yet \| all \|\n/);
  assert.match(
    text,
    /\n\| \[sync\]\(#sync\) \| 1 \| 0 \| 0 \| 1 \|\n\| \[dev\/debug\]\(#devdebug\) \| 0 \| 0 \| 1 \| 1 \|\n/,
  );
  assert.match(text, /\n\| \*\*all\*\* \| 1 \| 0 \| 1 \| 2 \|\n/);
  assert.match(text, /\n## sync\n\n(.*\n){2}\| `Lock\\\|Mutex` \| `Lock` \| done \| {2}\|\n/);
  assert.match(text, /\n## dev\/debug\n\n(.*\n){2}\| `ps` \| – \| not yet \| tools \|\n/);
});
