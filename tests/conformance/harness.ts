/** The run of a scenario: `asyncio.run(main())`, spelled out on the loop's own primitives so that every turn counts. */

import type { BaseEventLoop } from "../../src/core/base-events.ts";
import {
  allTasks,
  coroutine,
  type ExceptionContext,
  type Future,
  gather,
  type Task,
} from "../../src/index.ts";
import { Deadlock } from "../../src/testing/virtual-clock.ts";
import type { Flavour } from "../flavours.ts";
import { formatError } from "./errors.ts";
import { MillisecondLoop } from "./millisecond-loop.ts";
import { Program } from "./program.ts";
import type { Line, Scenario } from "./scenario.ts";
import { Trace } from "./trace.ts";

/** Run the scenario, and give its trace. */
export async function runScenario(scenario: Scenario, flavour: Flavour): Promise<readonly Line[]> {
  const trace = new Trace();
  const loop = new MillisecondLoop();
  const program = new Program(scenario, flavour, loop, trace);
  loop.setExceptionHandler((_, context) => report(program, context));
  try {
    await runMain(loop, program);
    await cancelAllTasks(loop);
    await runUntilDone(loop, loop.createTask(loop.shutdownAsyncgens()));
    await runUntilDone(loop, loop.createTask(shutdownDefaultExecutor()));
    program.log("run", "closed");
  } catch (error) {
    if (!(error instanceof Deadlock)) throw error;
    program.log("run", "DEADLOCK");
  }
  const lines = trace.seal();
  loop.close();
  return lines;
}

async function runMain(loop: BaseEventLoop, program: Program): Promise<void> {
  const task = loop.createTask(program.main());
  await runUntilDone(loop, task);
  try {
    program.log("run", "return", task.result());
  } catch (error) {
    program.log("run", "raise", formatError(error));
  }
}

async function cancelAllTasks(loop: BaseEventLoop): Promise<void> {
  const tasks = [...allTasks(loop)];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancel();
  await runUntilDone(loop, gather(...tasks, { returnExceptions: true }));
  for (const task of tasks) reportFailure(loop, task);
}

function reportFailure(loop: BaseEventLoop, task: Task<unknown>): void {
  if (task.cancelled()) return;
  const exception = task.exception();
  if (exception === null) return;
  loop.callExceptionHandler({ message: SHUTDOWN, exception, task });
}

/** The run ends with the iteration in which the future's callback stops it. Throws Deadlock if that never comes. */
async function runUntilDone(loop: BaseEventLoop, future: Future<unknown>): Promise<void> {
  future.addDoneCallback(() => loop.stop());
  await loop.runForever();
}

/** The scheduler by itself has no executor: only the turns that this takes are left. */
const shutdownDefaultExecutor = coroutine(function* () {});

const SHUTDOWN = "unhandled exception during asyncio.run() shutdown";

/** Told when objects are freed or the loop is closed: a matter of luck, and not a part of traces. */
const NOT_TRACED = /was never (retrieved|awaited)|was destroyed but it is pending/;

function report(program: Program, context: ExceptionContext): void {
  if (NOT_TRACED.test(context.message)) return;
  program.log("loop", "error", sourceOf(context), formatError(context.exception));
}

function sourceOf({ message, handle, asyncgen }: ExceptionContext): string {
  if (handle !== undefined) return "callback";
  if (asyncgen !== undefined) return "asyncgen";
  if (message === SHUTDOWN) return "shutdown";
  return /parent task/.test(message) ? "taskgroup" : message;
}
