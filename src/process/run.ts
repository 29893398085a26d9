import { waitFor } from "../concurrency/wait-for.ts";
import { Coroutine } from "../core/coroutines.ts";
import { TimeoutError, ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";
import { assertDuration } from "../io/arguments.ts";
import type { Waiting } from "../io/backend.ts";
import { type BytesLike, toBytes } from "../io/transports.ts";
import { type ProgramArguments, splitOptions } from "./arguments.ts";
import { commandLine, programCommand } from "./command.ts";
import type { Output } from "./communication.ts";
import { type CommandLine, CompletedProcess, TimeoutExpired } from "./completed-process.ts";
import { createSubprocessExec } from "./create-subprocess.ts";
import { GRACE, type Process } from "./process.ts";
import type { SpawnOptions } from "./spawn-options.ts";
import { PIPE } from "./stdio.ts";

export interface RunProcessOptions extends SpawnOptions {
  /** What it reads from stdin, which is a pipe then. Do not change it meanwhile. */
  input?: BytesLike | null | undefined;
  /** Whether stdout and stderr are pipes, and what comes is in the result. */
  captureOutput?: boolean | undefined;
  /** How many seconds it may take; then it is ended. Null, the default, for ever. */
  timeout?: number | null | undefined;
  /** How many seconds it has when it is asked to end, before it is killed; 5 by default. */
  grace?: number | undefined;
  /** Whether another return code than 0 is an error. */
  check?: boolean | undefined;
  /** How many seconds to wait for pipes that others hold open when it has exited; 5 by default. */
  drain?: number | undefined;
}

/**
 * Run `program`, with these arguments, and options as the last one, to its end; gives its return code and what it wrote.
 *
 * ```ts
 * const { stdout } = await subprocess.run("git", "status", { captureOutput: true, check: true, timeout: 10 });
 * ```
 *
 * After `timeout` seconds it is asked to end, and `grace` seconds later killed, as by `Process.stop`: with all that it has
 * started, if it has a session of its own (`startNewSession`). Then TimeoutExpired is thrown, with what it wrote.
 *
 * Throws CalledProcessError with `check`, if its return code is not 0; ValueError for `input` together with `stdin`, or
 * `captureOutput` with `stdout` or `stderr`; and as `createSubprocessExec`. Cancel safety: it is ended in the same way, and
 * has exited before the cancellation goes on; a second one kills it at once. Python: `subprocess.run`, which blocks.
 */
export function run(
  program: string | URL,
  ...all: ProgramArguments<RunProcessOptions>
): Coroutine<CompletedProcess> {
  const [
    args,
    { input = null, captureOutput = false, timeout = null, grace = GRACE, check = false, drain, ...rest },
  ] = splitOptions(all);
  assertFlag("captureOutput", captureOutput);
  assertFlag("check", check);
  if (timeout !== null) assertDuration("timeout", timeout);
  assertDuration("grace", grace);
  if (drain !== undefined) assertDuration("drain", drain);
  const bytes = input === null ? null : toBytes(input);
  const line = commandLine(programCommand(program, args)) as CommandLine;
  const options = withPipes(rest, bytes !== null, captureOutput);
  const start = () => createSubprocessExec(program, ...args, options);
  // For its checks.
  start().close();
  return new Coroutine(
    () => runToEnd(start, line, { input: bytes, timeout, grace, check, drain }),
    "subprocess.run",
  );
}

interface Plan {
  readonly input: Uint8Array | null;
  readonly timeout: number | null;
  readonly grace: number;
  readonly check: boolean;
  readonly drain: number | undefined;
}

function* runToEnd(
  start: () => Coroutine<Process>,
  line: CommandLine,
  plan: Plan,
): Waiting<CompletedProcess> {
  const { input, timeout, drain, check } = plan;
  const process = yield* start();
  let output: Output;
  try {
    output = yield* waitFor(process.communicate(input, { drain }), timeout);
  } catch (error) {
    try {
      yield* end(process, plan.grace);
      if (!(error instanceof TimeoutError) || timeout === null) throw error;
      throw new TimeoutExpired(line, timeout, ...(yield* process.communicate(null, { drain })));
    } finally {
      process.abort();
    }
  }
  const completed = new CompletedProcess(line, process.returncode!, ...output);
  if (check) completed.checkReturncode();
  return completed;
}

/** A second cancellation has no patience any more, but the process's end is still waited for. */
function* end(process: Process, grace: number): Waiting<void> {
  try {
    yield* process.stop({ grace });
  } catch (error) {
    yield* process.stop({ grace: 0 });
    throw error;
  }
}

function withPipes(options: SpawnOptions, hasInput: boolean, captureOutput: boolean): SpawnOptions {
  const { stdin, stdout, stderr } = options;
  if (hasInput && stdin !== undefined) throw new ValueError("stdin and input cannot be given together");
  if (captureOutput && (stdout !== undefined || stderr !== undefined)) {
    throw new ValueError("stdout and stderr cannot be given together with captureOutput");
  }
  return {
    ...options,
    ...(hasInput && { stdin: PIPE }),
    ...(captureOutput && { stdout: PIPE, stderr: PIPE }),
  };
}

function assertFlag(name: string, value: unknown): void {
  if (typeof value !== "boolean")
    throw new TypeError(`${name} must be a boolean, not ${describeValue(value)}`);
}
