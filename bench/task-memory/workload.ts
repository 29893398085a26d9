import { fileURLToPath } from "node:url";
import { atMost } from "../aim.ts";
import { missingInPython } from "../peers.ts";
import { type Command, nodeCommand, programSide, pythonCommand } from "../sides.ts";
import type { Comparison, Side, Workload } from "../workload.ts";

const fileAt = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** In MiB: room for a million tasks. */
const HEAP = 12 * 1024;

function ours(flavour: "generator" | "async"): Side {
  const [node, ...args] = nodeCommand(fileAt("ours.ts"), flavour);
  const command: Command = [node, `--max-old-space-size=${HEAP}`, ...args];
  return programSide(flavour, null, command);
}

function python(loop: "asyncio" | "uvloop"): Side {
  return programSide(loop, missingInPython(loop), pythonCommand(fileAt("python.py"), loop));
}

const against = (ours: string, theirs: string): Comparison => {
  return { figure: "resident", ours, theirs, aim: atMost(1) };
};

export const taskMemory: Workload = {
  name: "task-memory",
  about:
    "Tasks are started that wait, each for a future of its own. By how much the resident memory of the process grows. Garbage is\n" +
    "collected first.",
  unit: "bytes per task",
  sizeUnit: "tasks at a time",
  size: 1_000_000,
  sides: [ours("generator"), ours("async"), python("uvloop"), python("asyncio")],
  comparisons: [against("generator", "uvloop"), against("generator", "asyncio")],
};
