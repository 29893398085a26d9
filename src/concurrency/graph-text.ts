import type { Future } from "../core/futures.ts";
import { Task } from "../core/tasks.ts";
import type { FutureCallGraph } from "./graph.ts";

/** Deeper levels are not indented further: a chain of ten thousand tasks would be gigabytes of blanks. */
const DEEPEST_INDENT = 32;

const INDENT = "    ";

/**
 * The graph as text. Each future is described once, and named where it occurs again; where it waits for itself by way
 * of others, the circle is told: they wait for each other, and will for ever.
 */
export function renderCallGraph(root: FutureCallGraph): string {
  const lines: string[] = [];
  const seen = new Set<FutureCallGraph>();
  /** From the root to where we are. By hand: chains may be longer than the stack is deep. */
  const path: { node: FutureCallGraph; next: number }[] = [];
  const visit = (node: FutureCallGraph) => {
    const level = path.length;
    const start = seen.has(node) ? path.findIndex((step) => step.node === node) : -1;
    if (start >= 0) {
      const circle = [...path.slice(start).map((step) => step.node), node];
      lines.push(line(level, `* ${label(node.future)} deadlock: ${told(circle.reverse())}`));
    } else if (seen.has(node)) {
      lines.push(line(level, `* ${label(node.future)} (see above)`));
    } else {
      seen.add(node);
      lines.push(...description(node).map((text) => line(level, text)));
      path.push({ node, next: 0 });
    }
  };
  visit(root);
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const awaiter = step.node.awaitedBy[step.next++];
    if (awaiter === undefined) path.pop();
    else visit(awaiter);
  }
  return lines.join("\n");
}

function description({ future, callStack, awaitedBy }: FutureCallGraph): string[] {
  const lines = [`* ${label(future)}`];
  if (callStack.length > 0) lines.push("  + Call stack:", ...callStack.map((entry) => `  |   at ${entry}`));
  if (awaitedBy.length > 0) lines.push("  + Awaited by:");
  return lines;
}

function line(level: number, text: string): string {
  if (level <= DEEPEST_INDENT) return INDENT.repeat(level) + text;
  return `${INDENT.repeat(DEEPEST_INDENT)}${text.startsWith("*") ? `[${level}] ` : ""}${text}`;
}

/** In the order of waiting: each waits for the next. */
function told(circle: FutureCallGraph[]): string {
  return circle.map(({ future }) => shortName(future)).join(" waits for ");
}

function label(future: Future<unknown>): string {
  const id = `id=0x${idOf(future).toString(16)}`;
  const name = future instanceof Task ? `name=${JSON.stringify(future.getName())}, ` : "";
  return `${future.constructor.name}(${name}${id})`;
}

function shortName(future: Future<unknown>): string {
  return future instanceof Task ? future.getName() : label(future);
}

const ids = new WeakMap<Future<unknown>, number>();
let lastId = 0;

/** JavaScript has no `id()`: numbers are given to those that are shown. */
function idOf(future: Future<unknown>): number {
  let id = ids.get(future);
  if (id === undefined) {
    id = ++lastId;
    ids.set(future, id);
  }
  return id;
}
