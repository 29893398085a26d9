import type { ChildProcess, StdioOptions } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import type { Socket } from "node:net";
import { constants as osConstants } from "node:os";
import type { BaseEventLoop } from "../core/base-events.ts";
import { type OSError, osError } from "../core/errors.ts";
import { setResultUnlessDone } from "../core/futures.ts";
import type { Backend, Waiting } from "../io/backend.ts";
import type { ChildPipe } from "../io/child-pipe.ts";
import type { ChildProgram } from "../io/child-program.ts";
import { inWords } from "../io/portable/errors.ts";
import { Wakeup } from "../io/portable/wakeup.ts";
import { type Command, pathOf } from "./command.ts";
import type { SpawnOptions } from "./spawn-options.ts";
import { STDOUT, type StdioEntry, stdioEntry } from "./stdio.ts";

/** A process that runs, and our ends of its pipes, by the fd that it has them at. */
export interface Spawned {
  readonly child: ChildProcess & { readonly pid: number };
  readonly pipes: ReadonlyMap<number, number | Socket>;
}

/** What is to be at the process's fds 0, 1 and 2; `merged` if the last is the same pipe as the one before it. */
interface Wiring {
  readonly entries: readonly [StdioEntry, StdioEntry, StdioEntry];
  readonly merged: boolean;
}

/** Throws TypeError or ValueError for what cannot be at a process's fd. */
export function wiringOf({ stdin, stdout, stderr }: SpawnOptions): Wiring {
  const first = stdioEntry("stdin", 0, stdin);
  const second = stdioEntry("stdout", 1, stdout);
  if (stderr !== STDOUT) return { entries: [first, second, stdioEntry("stderr", 2, stderr)], merged: false };
  return { entries: [first, second, second], merged: second === "pipe" };
}

/** Start the process. Throws OSError; then nothing of it is left. Cancel safety: nothing is left, if it was not started. */
export function* spawn(
  loop: BaseEventLoop,
  io: Backend,
  command: Command,
  options: SpawnOptions,
): Waiting<Spawned> {
  const pipes = new Map<number, ChildPipe>();
  let child: ChildProcess;
  try {
    const { entries, merged } = wiringOf(options);
    for (const fd of [0, 1, 2]) {
      if (entries[fd] !== "pipe" || (merged && fd === 2)) continue;
      pipes.set(fd, yield* io.openChildPipe(fd === 0 ? "write" : "read", merged && fd === 1));
    }
    const ends = entries.map((entry, fd) => pipes.get(merged && fd === 2 ? 1 : fd)?.stdio ?? entry);
    child = yield* start(loop, io, command, options, [...ends, ...passed(options)]);
  } catch (error) {
    for (const pipe of pipes.values()) pipe.discard();
    throw error;
  }
  const made = takeStreams(child);
  const taken = [...pipes].map(([fd, pipe]) => [fd, pipe.take(made[fd] ?? null)] as const);
  return { child: child as Spawned["child"], pipes: new Map(taken) };
}

/** Node's list is one of places: what is at none of them the process does not get. */
function passed({ passFds = [] }: SpawnOptions): (number | "ignore")[] {
  const length = Math.max(2, ...passFds) - 2;
  return Array.from({ length }, (_, index) => (passFds.includes(index + 3) ? index + 3 : "ignore"));
}

function* start(
  loop: BaseEventLoop,
  io: Backend,
  command: Command,
  options: SpawnOptions,
  stdio: readonly StdioEntry[],
): Waiting<ChildProcess> {
  const child = startChild(io, command, options, stdio);
  if (child.pid !== undefined) return child;
  for (const stream of child.stdio ?? []) stream?.destroy();
  throw spawnError(yield* failureOf(loop, child), command, options);
}

/** Node tells it in a moment. */
function* failureOf(loop: BaseEventLoop, child: ChildProcess): Waiting<NodeJS.ErrnoException> {
  const failed = loop.createFuture<NodeJS.ErrnoException>();
  child.once("error", (error) => new Wakeup(loop, () => setResultUnlessDone(failed, error)).queue());
  return yield* failed;
}

/**
 * The pipes that Node made, and which it is to leave alone: when the process exits, it would close the one to stdin and
 * read on from the others, although what the process has started may still have them.
 */
function takeStreams(child: ChildProcess): readonly (Socket | null)[] {
  const streams = child.stdio as readonly (Socket | null)[];
  Object.assign(child, { stdin: null, stdout: null, stderr: null, stdio: [] });
  return streams;
}

function startChild(
  io: Backend,
  command: Command,
  options: SpawnOptions,
  stdio: readonly StdioEntry[],
): ChildProcess & { stdio?: ChildProcess["stdio"] } {
  const program = childProgram(command, options, stdio);
  // Node takes these two for mistakes, or for nothing; the system has an answer to them.
  if (program.file === "" && !command.isShell) throw refusal("EACCES", "spawn", '""');
  if (program.cwd === "") throw refusal("ENOENT", "chdir", '""');
  const isOfThisUser = options.uid === undefined && options.gid === undefined;
  return (isOfThisUser ? io.startChild(program) : null) ?? startByNode(command, options, stdio);
}

function startByNode(
  command: Command,
  options: SpawnOptions,
  stdio: readonly StdioEntry[],
): ReturnType<typeof startChild> {
  const [file, args, nodeOptions] = nodeArguments(command, options);
  try {
    const { spawn } = process.getBuiltinModule("node:child_process");
    return spawn(file, args, { ...nodeOptions, stdio: [...stdio] as StdioOptions });
  } catch (error) {
    throw spawnError(error as NodeJS.ErrnoException, command, options);
  }
}

/** Python's `executable` is what is run; the program's name is then no more than its `argv[0]`. */
function childProgram(
  { program, args, isShell }: Command,
  { cwd, env, executable, argv0, startNewSession }: SpawnOptions,
  stdio: readonly StdioEntry[],
): ChildProgram {
  const usual = isShell ? "/bin/sh" : program;
  const file = executable === null || executable === undefined ? usual : pathOf("executable", executable);
  const shownAs = argv0 ?? (isShell ? file : program);
  return {
    file,
    argv: isShell ? [shownAs, "-c", program || " "] : [shownAs, ...args],
    env: env ?? null,
    cwd: cwd === null || cwd === undefined ? null : pathOf("cwd", cwd),
    stdio,
    ownSession: startNewSession ?? false,
  };
}

/** The same for Node, which knows other systems' shells. */
function nodeArguments({ program, args, isShell }: Command, options: SpawnOptions) {
  const { cwd, env, executable, argv0, uid, gid, startNewSession, windowsHide } = options;
  const file = executable === null || executable === undefined ? null : pathOf("executable", executable);
  const shownAs = argv0 ?? (file !== null && !isShell ? program : undefined);
  const nodeOptions = {
    ...(cwd !== null && cwd !== undefined && { cwd: pathOf("cwd", cwd) }),
    ...(env !== null && env !== undefined && { env: { ...env } }),
    ...(shownAs !== undefined && { argv0: shownAs }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(isShell && { shell: file ?? true }),
    detached: startNewSession ?? false,
    windowsHide: windowsHide ?? false,
  };
  return [isShell ? program || " " : (file ?? program), [...args], nodeOptions] as const;
}

/** The system does not say whether it is the directory or the program that it does not like. */
function spawnError(error: NodeJS.ErrnoException, command: Command, { cwd }: SpawnOptions): Error {
  const { code } = error;
  if (code === undefined || !Object.hasOwn(osConstants.errno, code)) return error;
  const directory = cwd === null || cwd === undefined ? null : pathOf("cwd", cwd);
  if (directory !== null && whyNoDirectory(directory) === code) {
    return refusal(code, "chdir", directory, error);
  }
  return refusal(code, "spawn", error.path ?? (command.isShell ? "the shell" : command.program), error);
}

function refusal(code: string, syscall: string, path: string, cause?: Error): OSError {
  const errno = osConstants.errno[code as keyof typeof osConstants.errno];
  const message = `${syscall} ${code} ${path}: ${inWords(-errno)}`;
  return osError(code, message, { errno, syscall, ...(cause !== undefined && { cause }) });
}

/** Why nobody can be in this directory, if so. */
function whyNoDirectory(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return "ENOTDIR";
    accessSync(path, constants.X_OK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}
