import { constants } from "node:fs";
import type { ChildProgram } from "../child-program.ts";
import { NativeChild } from "./child.ts";
import { close, setBlocking } from "./descriptor.ts";
import { environment, hasOurPath } from "./environment.ts";
import { ExitWatch } from "./exit-watch.ts";
import { libc } from "./libc.ts";
import type { SelectorEvents } from "./selector-events.ts";
import type { SpawnCalls } from "./spawn-calls.ts";

const { O_RDONLY, O_RDWR } = constants;

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;

/** More than libc needs for either: 80 and 336 bytes, in glibc as in musl. */
const WORDS = 128;
const actions = new BigUint64Array(WORDS);
const pid = new Int32Array(1);
/** Those of each process: no signal is ignored, and none is blocked. */
let attributes: BigUint64Array | null = null;

/**
 * Start a process with libc's `posix_spawn`, which does not copy this process's page tables, as Node's fork does. Null where
 * that is not possible, or fails: then Node is to do it, or to say why not.
 */
export function startChild(events: SelectorEvents, program: ChildProgram): NativeChild | null {
  const calls = libc().spawning();
  if (calls === null || !isPossible(calls, program)) return null;
  // One of ourselves, so that there is a place for the new one: the process cannot be taken back.
  const reserved = calls.pidfdOpen(process.pid);
  if (reserved < 0) return null;
  const started = spawn(calls, program);
  close(reserved);
  return started === 0 ? null : watched(calls, events, started, program);
}

function watched(
  calls: SpawnCalls,
  events: SelectorEvents,
  started: number,
  { file, argv }: ChildProgram,
): NativeChild | null {
  const pidfd = calls.pidfdOpen(started);
  if (pidfd < 0) {
    // Another thread has taken its place.
    process.kill(started, "SIGKILL");
    calls.waitpid(started, new Int32Array(1), 0);
    return null;
  }
  const child = new NativeChild(started, file, argv);
  try {
    new ExitWatch(calls, events, started, pidfd, (status) => child.exited(status));
  } catch (error) {
    process.kill(started, "SIGKILL");
    throw error;
  }
  return child;
}

/** The process's id; 0 if it could not be started. */
function spawn(calls: SpawnCalls, { file, argv, env, cwd, stdio, ownSession }: ChildProgram): number {
  attributes ??= newAttributes(calls);
  calls.actionsInit(actions);
  try {
    const failed =
      stdio.some((entry, fd) => addEntry(calls, entry as number | "ignore", fd) !== 0) ||
      (cwd !== null && calls.addChdir(actions, cwd) !== 0) ||
      calls.setFlags(attributes, SETSIGDEF | SETSIGMASK | (ownSession ? SETSID : 0)) !== 0 ||
      calls.posix_spawnp(pid, file, actions, attributes, [...argv, null], environment(calls, env)) !== 0;
    return failed ? 0 : pid[0]!;
  } finally {
    calls.actionsDestroy(actions);
  }
}

function newAttributes(calls: SpawnCalls): BigUint64Array {
  const made = new BigUint64Array(WORDS);
  calls.attributesInit(made);
  calls.setSignalsDefault(made, new BigUint64Array(WORDS).fill(~0n));
  calls.setSignalMask(made, new BigUint64Array(WORDS));
  return made;
}

/** A program expects to wait at its standard streams, as with Node. */
function addEntry(calls: SpawnCalls, entry: number | "ignore", fd: number): number {
  if (entry !== "ignore") {
    if (fd <= 2) setBlocking(entry, true);
    return calls.addDup2(actions, entry, fd);
  }
  return fd > 2 ? 0 : calls.addOpen(actions, fd, "/dev/null", fd === 0 ? O_RDONLY : O_RDWR, 0);
}

function isPossible(calls: SpawnCalls, { file, env, stdio }: ChildProgram): boolean {
  return (
    process.permission === undefined &&
    stdio.every((entry, fd) => entry === "ignore" || isInPlace(stdio, entry, fd)) &&
    (file.includes("/") || hasOurPath(calls, env))
  );
}

/** Whether `entry` is an fd that is still the same when it is copied to `fd`, after those below. */
function isInPlace(stdio: ChildProgram["stdio"], entry: unknown, fd: number): boolean {
  return typeof entry === "number" && (entry >= fd || stdio[entry] === entry);
}
