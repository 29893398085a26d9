import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { atLeast } from "../aim.ts";
import { missingInPython } from "../peers.ts";
import { type Command, nodeCommand, programSide, pythonCommand } from "../sides.ts";
import type { Comparison, Side, Workload } from "../workload.ts";

const fileAt = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Runner {
  readonly missing: string | null;
  readonly command: Command;
}

const python = (loop: "asyncio" | "uvloop"): Runner => ({
  missing: missingInPython(loop),
  command: pythonCommand(fileAt("python.py"), loop),
});

const effectIsThere = existsSync(fileAt("../node_modules/effect"));

/** What carries the programs out: each gets `NAME[,NAME…] SIZE`. */
const RUNNERS = {
  generator: { missing: null, command: nodeCommand(fileAt("generator.ts")) },
  async: { missing: null, command: nodeCommand(fileAt("async.ts")) },
  uvloop: python("uvloop"),
  asyncio: python("asyncio"),
  effect: {
    missing: effectIsThere ? null : "effect is not there (bench/setup.sh installs it)",
    command: nodeCommand(fileAt("effect.js")),
  },
  node: { missing: null, command: nodeCommand(fileAt("node.ts")) },
} satisfies Record<string, Runner>;

type RunnerName = keyof typeof RUNNERS;

/** A program, on those sides on which it is there. */
interface Row {
  readonly program: string;
  readonly name: string;
  readonly about: string;
  readonly size: number;
  /** The names of the sides, by what runs them. */
  readonly sides: Readonly<Partial<Record<RunnerName, string>>>;
  readonly comparisons: readonly Comparison[];
}

const FIGURE = "operations";

const against = (ours: string, theirs: string, bound: number): Comparison => {
  return { figure: FIGURE, ours, theirs, aim: atLeast(bound) };
};

const PYTHON = { uvloop: "uvloop", asyncio: "asyncio" };

/** A program of tasks, in both flavours; `generator` and `async` are how many times as fast as uvloop they must be. */
function tasks(
  program: string,
  { size, about, generator, async }: { size: number; about: string; generator?: number; async: number },
): Row {
  return {
    program,
    name: `tasks-${program}`,
    about,
    size,
    sides: { generator: "generator", async: "async", ...PYTHON },
    comparisons: [
      ...(generator === undefined ? [] : [against("generator", "uvloop", generator)]),
      against("async", "uvloop", async),
    ],
  };
}

const spawn = tasks("spawn", {
  size: 200_000,
  about: "Tasks that wait once, with sleep(0), are started and waited for, 10,000 at a time.",
  generator: 4,
  async: 2,
});

const gather = tasks("gather", {
  size: 1_000_000,
  about: "gather of 10,000 coroutines that wait once, with sleep(0), again and again.",
  async: 2,
});

const ROWS: readonly Row[] = [
  tasks("switch", {
    size: 1_000_000,
    about: "1,000 tasks wait in turn, each with sleep(0).",
    generator: 5,
    async: 1.4,
  }),
  {
    ...spawn,
    sides: { ...spawn.sides, effect: "Effect", node: "Promise.all" },
    comparisons: [...spawn.comparisons, against("generator", "Effect", 1.5), against("async", "Effect", 1.5)],
  },
  tasks("hand-over", {
    size: 500_000,
    about: "Two tasks wake each other in turn, with a new future each time.",
    generator: 4,
    async: 1.5,
  }),
  tasks("queue-1", {
    size: 500_000,
    about: "One task puts into a Queue with room for 10, another gets.",
    generator: 4,
    async: 1.5,
  }),
  tasks("queue-10", {
    size: 500_000,
    about: "Ten tasks put into a Queue with room for 10, ten others get.",
    generator: 4,
    async: 1.5,
  }),
  tasks("lock", {
    size: 300_000,
    about: "Ten tasks acquire one Lock, and hold it for a sleep(0).",
    generator: 4,
    async: 1.5,
  }),
  tasks("event", {
    size: 1_000_000,
    about: "10,000 tasks wait for an Event that is set, and then for the next one.",
    generator: 4,
    async: 1.5,
  }),
  { ...gather, sides: { ...gather.sides, node: "Promise.all" } },
  tasks("task-group", {
    size: 1_000_000,
    about: "A TaskGroup of 10,000 tasks that wait once, with sleep(0), again and again.",
    async: 2,
  }),
  tasks("wait-for", {
    size: 100_000,
    about: "waitFor of a coroutine that waits once, with sleep(0); the time is never over.",
    async: 2,
  }),
  tasks("timeout", {
    size: 100_000,
    about: "A timeout block that waits once, with sleep(0); the time is never over.",
    async: 2,
  }),
  tasks("depth", {
    size: 100_000,
    about: "The innermost of 20 nested coroutines waits once, with sleep(0).",
    generator: 1.5,
    async: 1,
  }),
  {
    program: "call-soon",
    name: "call-soon",
    about: "callSoon of an empty function, 10,000 in an iteration.",
    size: 1_000_000,
    sides: { async: "ours", ...PYTHON, node: "setImmediate" },
    comparisons: [against("ours", "uvloop", 3)],
  },
  {
    program: "call-later",
    name: "call-later",
    about: "callLater of an empty function and cancel, 10,000 at a time.",
    size: 1_000_000,
    sides: { async: "ours", ...PYTHON, node: "setTimeout" },
    comparisons: [against("ours", "uvloop", 3), against("ours", "setTimeout", 1)],
  },
  {
    program: "subprocess",
    name: "subprocess",
    about: "/bin/true is started and waited for, one after another.",
    size: 500,
    sides: { async: "ours", asyncio: "asyncio", node: "child_process" },
    comparisons: [against("ours", "child_process", 0.95), against("ours", "asyncio", 1.2)],
  },
  {
    program: "thread",
    name: "thread-pool",
    about:
      "A thread of a pool computes the absolute value of a number, one after another. Against one bare thread of Node's, to which\n" +
      "messages are posted: our pool is made of those.",
    size: 50_000,
    sides: { async: "ours", asyncio: "asyncio", node: "node:worker_threads" },
    comparisons: [against("ours", "node:worker_threads", 0.9), against("ours", "asyncio", 1)],
  },
];

export const programWorkloads: readonly Workload[] = ROWS.map(({ program, sides, ...row }) => ({
  ...row,
  unit: "per second",
  sizeUnit: FIGURE,
  sides: Object.entries(sides).map(([runner, name]) => sideOf(runner as RunnerName, name, program)),
}));

function sideOf(runner: RunnerName, name: string, program: string): Side {
  const { missing, command } = RUNNERS[runner];
  return programSide(name, missing, [...command, program]);
}

/** A command for each runner that is here, with its name: it carries out all of its programs, one after another. */
export function trials(): readonly (readonly [string, Command])[] {
  return Object.entries(RUNNERS).flatMap(([runner, { missing, command }]) => {
    const programs = ROWS.filter(({ sides }) => runner in sides).map(({ program }) => program);
    return missing === null ? [[runner, [...command, programs.join(",")]] as const] : [];
  });
}
