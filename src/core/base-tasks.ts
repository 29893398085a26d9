import { inspect } from "node:util";
import { runningStack, stackOfError } from "./call-stacks.ts";
import { ValueError } from "./errors.ts";
import { currentExecution, isOnStack } from "./execution.ts";
import { NO_ERROR } from "./futures.ts";
import { StackFrame } from "./stack-frames.ts";
import type { Task } from "./tasks.ts";

/** Where text can be written to: `process.stdout`, a file's stream, … */
export interface TextFile {
  write(text: string): unknown;
}

/**
 * The frames of a task that is not done, innermost first. Where JavaScript does not tell (the task has not begun, has
 * given up its turn, or waits for a promise that is not ours), one frame with the coroutine's name.
 */
export function callStack(task: Task<unknown>): StackFrame[] {
  if (task.done()) return [];
  if (isRunning(task)) return runningStack();
  const waits = [...task.waits];
  const inner = waits.find(({ waitingOn }) => waitingOn !== null);
  const outer = waits.filter(({ waitingOn }) => waitingOn === null).reverse();
  const strands = inner === undefined ? outer : [inner, ...outer];
  const frames = strands.flatMap((strand) => strand.stack());
  return frames.length > 0 ? frames : [new StackFrame(task.getCoro().name)];
}

/** Whether this is code of the task; a timer of Node's that it started is not, while the task itself waits. */
export function isRunning(task: Task<unknown>): boolean {
  return isOnStack(task) || (task.waitingOn === null && currentExecution()?.task === task);
}

/** For `Task.getStack`: the newest frames of a stack are kept, but the oldest of an error's, as in CPython. */
export function limitedStack(task: Task<unknown>, limit: number | null): StackFrame[] {
  assertLimit(limit);
  const count = limit ?? Number.POSITIVE_INFINITY;
  const failure = failureOf(task);
  if (failure !== NO_ERROR) return stackOfError(failure).reverse().slice(0, count);
  return callStack(task).slice(0, count).reverse();
}

/** For `Task.printStack`. */
export function formatStack(task: Task<unknown>, limit: number | null): string {
  const frames = limitedStack(task, limit);
  const failure = failureOf(task);
  const what = failure === NO_ERROR ? "Stack" : "Traceback";
  const lines = frames.map((frame) => `  at ${frame}`);
  const head = lines.length > 0 ? `${what} for ${task} (most recent call last):` : `No stack for ${task}`;
  if (failure !== NO_ERROR) lines.push(failure instanceof Error ? String(failure) : inspect(failure));
  return `${[head, ...lines].join("\n")}\n`;
}

function failureOf(task: Task<unknown>): unknown {
  return task.failure;
}

function assertLimit(limit: unknown): void {
  if (limit === null) return;
  if (typeof limit !== "number")
    throw new TypeError(`limit must be a number of frames or null, not ${inspect(limit)}`);
  if (!Number.isInteger(limit) || limit < 0)
    throw new ValueError(`limit must be a number of frames, not ${limit}`);
}
