import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { NotImplementedError, ValueError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import { describeValue } from "../core/format-helpers.ts";
import type { Waiting } from "../io/backend.ts";
import { DEFAULT_LIMIT } from "../io/stream-reader.ts";
import { type ProgramArguments, splitOptions } from "./arguments.ts";
import type { BaseSubprocessTransport } from "./base-subprocess.ts";
import { programCommand, shellCommand } from "./command.ts";
import { Process } from "./process.ts";
import { assertSpawnOptions, type SpawnOptions } from "./spawn-options.ts";
import { wiringOf } from "./spawning.ts";
import { SubprocessStreamProtocol } from "./stream-protocol.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";

export interface CreateSubprocessOptions extends SpawnOptions {
  /** The longest line that `stdout` and `stderr` take, in bytes; 64 KiB by default. */
  limit?: number | undefined;
}

/** What is needed of a loop here: the loop that has it is put together further up. */
interface ProcessLoop extends BaseEventLoop {
  subprocessExec<P extends SubprocessProtocol>(
    factory: () => P,
    program: string | URL,
    ...args: ProgramArguments<SpawnOptions>
  ): Coroutine<[BaseSubprocessTransport, P]>;

  subprocessShell<P extends SubprocessProtocol>(
    factory: () => P,
    command: string | Uint8Array,
    options?: SpawnOptions,
  ): Coroutine<[BaseSubprocessTransport, P]>;
}

/**
 * Start `program`, with these arguments, and options as the last one; gives the process when it runs. What is not among
 * `stdin`, `stdout` and `stderr` of the options it shares with this process.
 *
 * ```ts
 * const ls = await createSubprocessExec("ls", "-l", { stdout: PIPE, cwd: "/" });
 * const [listing] = await ls.communicate();
 * ```
 *
 * Throws FileNotFoundError if there is no such program, or no such `cwd`, NotADirectoryError, PermissionError, OSError
 * (E2BIG, EMFILE, EAGAIN, …): then nothing is left of it. The signal's reason, if that had aborted. At the call, TypeError or ValueError
 * for arguments and options that make no sense, NotImplementedError for what Node cannot do; streams are bytes, so
 * `text`, `encoding` and their kin are ValueErrors. Cancel safety: the process is killed, and has exited. Python:
 * `asyncio.create_subprocess_exec`.
 */
export function createSubprocessExec(
  program: string | URL,
  ...all: ProgramArguments<CreateSubprocessOptions>
): Coroutine<Process> {
  const [args, options] = splitOptions(all);
  programCommand(program, args);
  const [limit, spawnOptions] = checkedOptions(options, false);
  return new Coroutine(
    () => create(limit, (loop, make) => loop.subprocessExec(make, program, ...args, spawnOptions)),
    "createSubprocessExec",
  );
}

/**
 * As {@link createSubprocessExec}, for a command of the shell: `/bin/sh`, or `options.executable`. The process is that
 * shell. Quote what comes from elsewhere, or better start a program without a shell. ValueError if `command` is no
 * string. Python: `asyncio.create_subprocess_shell`.
 */
export function createSubprocessShell(
  command: string | Uint8Array,
  options: CreateSubprocessOptions = {},
): Coroutine<Process> {
  shellCommand(command);
  const [limit, spawnOptions] = checkedOptions(options, true);
  return new Coroutine(
    () => create(limit, (loop, make) => loop.subprocessShell(make, command, spawnOptions)),
    "createSubprocessShell",
  );
}

type Start = (
  loop: ProcessLoop,
  make: () => SubprocessStreamProtocol,
) => Coroutine<[BaseSubprocessTransport, SubprocessStreamProtocol]>;

function* create(limit: number, start: Start): Waiting<Process> {
  const loop = getProcessLoop();
  const [transport, protocol] = yield* start(loop, () => new SubprocessStreamProtocol({ limit, loop }));
  return new Process(transport, protocol, loop);
}

/** What is not given is shared with this process; `loop.subprocessExec` would make pipes. */
function checkedOptions(
  options: CreateSubprocessOptions,
  shell: boolean,
): [limit: number, options: SpawnOptions] {
  const { limit = DEFAULT_LIMIT, ...rest } = Object(options) as CreateSubprocessOptions;
  assertSpawnOptions(options === Object(options) ? rest : options, shell);
  if (typeof limit !== "number") throw new TypeError(`limit must be a number, not ${describeValue(limit)}`);
  if (!(limit > 0)) throw new ValueError(`limit must be above 0, not ${limit}`);
  const { stdin = null, stdout = null, stderr = null } = rest;
  const spawnOptions = { ...rest, stdin, stdout, stderr };
  wiringOf(spawnOptions);
  return [limit, spawnOptions];
}

function getProcessLoop(): ProcessLoop {
  const loop = getRunningLoop() as BaseEventLoop & Partial<ProcessLoop>;
  if (typeof loop.subprocessExec === "function" && typeof loop.subprocessShell === "function") {
    return loop as ProcessLoop;
  }
  throw new NotImplementedError(
    `${loop} starts no processes: run the program with run(), or in an EventLoop`,
  );
}
