import { inspect } from "node:util";
import { callStack, isRunning, type TextFile } from "../core/base-tasks.ts";
import { ValueError } from "../core/errors.ts";
import { runningLoop } from "../core/events.ts";
import { describeValue } from "../core/format-helpers.ts";
import { Future } from "../core/futures.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { StackFrame } from "../core/stack-frames.ts";
import { Task } from "../core/tasks.ts";
import { Awaiters } from "./awaiters.ts";
import { currentTask } from "./current-task.ts";
import { renderCallGraph } from "./graph-text.ts";

/** One frame of a task's stack. Python: `asyncio.FrameCallGraphEntry`. */
export class FrameCallGraphEntry extends Inspectable {
  readonly frame: StackFrame;

  constructor(frame: StackFrame) {
    super();
    this.frame = frame;
    Object.freeze(this);
  }

  toString(): string {
    return String(this.frame);
  }
}

/**
 * A future, where it stands, and who waits for it. A future that several wait for, or that waits for itself by way of
 * others, is one and the same object wherever it occurs. Python: `asyncio.FutureCallGraph`.
 */
export class FutureCallGraph extends Inspectable {
  readonly future: Future<unknown>;
  /** Innermost first; empty unless the future is a task that is not done. */
  readonly callStack: readonly FrameCallGraphEntry[];
  readonly awaitedBy: readonly FutureCallGraph[];

  constructor(
    future: Future<unknown>,
    callStack: readonly FrameCallGraphEntry[],
    awaitedBy: readonly FutureCallGraph[],
  ) {
    super();
    this.future = future;
    this.callStack = callStack;
    this.awaitedBy = awaitedBy;
    Object.freeze(this);
  }

  /** As {@link formatCallGraph} gives it. */
  toString(): string {
    return renderCallGraph(this);
  }
}

export interface CallGraphOptions {
  /** Of the running task: from which frame on, counted from the caller, which is 1, the default. */
  depth?: number;
  /** How many frames of each stack: above 0 the innermost, below 0 the outermost ones; 0 for none, null for all. */
  limit?: number | null;
}

/**
 * Who waits for `future` (by default, for the task that runs), who waits for them, and so on, each with its stack. Null
 * if no task runs.
 *
 * The graph is made on demand out of what the loop's tasks wait for, in a time linear in tasks and waits: nothing is
 * noted down while they run. Throws RuntimeError without `future` if no loop runs, TypeError for what is no future.
 * Python: `asyncio.capture_call_graph`.
 */
export function captureCallGraph(
  future: Future<unknown> | null = null,
  { depth = 1, limit = null }: CallGraphOptions = {},
): FutureCallGraph | null {
  assertCount(depth, "depth");
  if (limit !== null) assertCount(limit, "limit");
  const target = future ?? theRunningTask();
  if (target === null) return null;
  if (!(target instanceof Future)) throw new TypeError(`a Future was expected, not ${describeValue(target)}`);
  return graphOf(target, new Awaiters(target.loop), (task) => entries(task, depth, limit));
}

/** What {@link captureCallGraph} gives, as text; empty if no task runs. Throws as it does. Python: `asyncio.format_call_graph`. */
export function formatCallGraph(
  future: Future<unknown> | null = null,
  options: CallGraphOptions = {},
): string {
  const graph = captureCallGraph(future, options);
  return graph === null ? "" : renderCallGraph(graph);
}

/** Write what {@link formatCallGraph} gives to `file`, by default `process.stdout`. Throws as it does. Python: `asyncio.print_call_graph`. */
export function printCallGraph(
  future: Future<unknown> | null = null,
  { file = process.stdout, ...options }: CallGraphOptions & { file?: TextFile } = {},
): void {
  file.write(`${formatCallGraph(future, options)}\n`);
}

function theRunningTask(): Task<unknown> | null {
  const loop = runningLoop();
  return currentTask(loop ?? undefined);
}

function entries(task: Task<unknown>, depth: number, limit: number | null): FrameCallGraphEntry[] {
  if (limit === 0) return [];
  const frames = callStack(task).slice(isRunning(task) ? depth - 1 : 0);
  const kept = limit === null ? frames : limit > 0 ? frames.slice(0, limit) : frames.slice(limit);
  return kept.map((frame) => new FrameCallGraphEntry(frame));
}

/** Each future gets its node once, its awaiters are filled in later: there may be circles, and long chains. */
function graphOf(
  target: Future<unknown>,
  awaiters: Awaiters,
  stackOf: (task: Task<unknown>) => FrameCallGraphEntry[],
): FutureCallGraph {
  const nodes = new Map<Future<unknown>, { graph: FutureCallGraph; awaitedBy: FutureCallGraph[] }>();
  const node = (future: Future<unknown>) => {
    const known = nodes.get(future);
    if (known) return known;
    const awaitedBy: FutureCallGraph[] = [];
    const stack = future instanceof Task ? stackOf(future) : [];
    const made = { graph: new FutureCallGraph(future, stack, awaitedBy), awaitedBy };
    nodes.set(future, made);
    return made;
  };
  const { graph } = node(target);
  // A map's iterator also comes to what is added meanwhile.
  for (const [future, { awaitedBy }] of nodes) {
    for (const awaiter of awaiters.of(future)) awaitedBy.push(node(awaiter).graph);
    Object.freeze(awaitedBy);
  }
  return graph;
}

function assertCount(value: unknown, name: string): void {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${inspect(value)}`);
  if (!Number.isInteger(value)) throw new ValueError(`${name} must be a whole number, not ${value}`);
}
