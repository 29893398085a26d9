import { inspect } from "node:util";
import { assertSignal } from "../core/abort-signals.ts";
import { NotImplementedError, ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";
import { pathOf, textOf } from "./command.ts";
import type { Stdio } from "./stdio.ts";

/** How a process is started. What Python's `subprocess.Popen` can and Node cannot is refused, with the way out. */
export interface SpawnOptions {
  /** Where the process reads from. */
  stdin?: Stdio | undefined;
  /** Where the process writes to. */
  stdout?: Stdio | undefined;
  /** Where the process writes its errors to; `STDOUT` for the same as stdout. */
  stderr?: Stdio | undefined;
  /** The directory to run in; by default that of this process. */
  cwd?: string | URL | null | undefined;
  /** The environment, all of it; by default that of this process. What is undefined is left out. */
  env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** The file to run in place of `program`, which is only its `argv[0]` then; for a shell command, the shell. */
  executable?: string | URL | null | undefined;
  /** What the process sees as `argv[0]`. */
  argv0?: string | undefined;
  /** The user to run as, by number; then without supplementary groups. */
  uid?: number | undefined;
  /** The group to run as, by number. */
  gid?: number | undefined;
  /**
   * Whether it gets a session, and a process group, of its own: Ctrl-C in the terminal does not reach it, and `killTree`
   * can end it with all that it has started. False by default.
   */
  startNewSession?: boolean | undefined;
  /** Open fds from 3 on that the process is to have, under the same numbers. */
  passFds?: readonly number[] | undefined;
  /** Whether its window is hidden on Windows. */
  windowsHide?: boolean | undefined;
  /** Kills the process when it aborts, with its group if that is its own. Aborted before the start, its reason is thrown. */
  signal?: AbortSignal | undefined;
}

const KNOWN: Readonly<Record<keyof SpawnOptions, (value: never) => void>> = {
  stdin: () => {},
  stdout: () => {},
  stderr: () => {},
  cwd: (value: unknown) => void (value === null || pathOf("cwd", value)),
  env: (value: unknown) => void (value === null || assertEnvironment(value)),
  executable: (value: unknown) => void (value === null || pathOf("executable", value)),
  argv0: (value: unknown) => void textOf("argv0", value),
  uid: (value: unknown) => assertId("uid", value),
  gid: (value: unknown) => assertId("gid", value),
  startNewSession: (value: unknown) => assertBoolean("startNewSession", value),
  passFds: assertFds,
  windowsHide: (value: unknown) => assertBoolean("windowsHide", value),
  signal: assertSignal as (value: unknown) => void,
};

const BYTES_ONLY = "the streams carry bytes; decode them, with String(data) for instance";

/** What only has one value in asyncio too, and why. */
const FIXED: Readonly<Record<string, readonly [only: readonly unknown[], reason: string]>> = {
  text: [[false], BYTES_ONLY],
  universalNewlines: [[false], BYTES_ONLY],
  encoding: [[], BYTES_ONLY],
  errors: [[], BYTES_ONLY],
  bufsize: [[0], "the streams buffer by themselves"],
};

/** What Node cannot do, and the way out; these values ask for what happens anyway. */
const IMPOSSIBLE: Readonly<Record<string, readonly [anyway: readonly unknown[], wayOut: string]>> = {
  preexecFn: [[], "no JavaScript can run between fork and exec; start a program, or a shell, that does it"],
  umask: [[-1], "start it through a shell: umask 077; exec …"],
  processGroup: [[], "use startNewSession"],
  user: [[], "use uid, the user's number"],
  group: [[], "use gid, the group's number"],
  extraGroups: [[], "start it through setpriv(1)"],
  closeFds: [[true], "name what the process is to have in passFds"],
  restoreSignals: [[true], "the process starts with the usual signal handling"],
  creationflags: [[0], "there are windowsHide and startNewSession"],
  startupinfo: [[], "there is windowsHide"],
  pipesize: [[-1], "pipes have the system's size"],
};

/**
 * Throws TypeError for an option that there is not or that is of the wrong type, ValueError for a value that makes no
 * sense, NotImplementedError for what Node cannot do. `shell` is what the option of that name, Python's, may be.
 */
export function assertSpawnOptions(options: unknown, shell: boolean): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options must be an object, not ${describeValue(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) assertOption(name, value, shell);
  }
}

function assertOption(name: string, value: unknown, shell: boolean): void {
  if (Object.hasOwn(KNOWN, name)) {
    (KNOWN[name as keyof SpawnOptions] as (value: unknown) => void)(value);
  } else if (Object.hasOwn(FIXED, name)) {
    assertFixed(name, value);
  } else if (Object.hasOwn(IMPOSSIBLE, name)) {
    assertPossible(name, value);
  } else if (name !== "shell") {
    const hint = name === "detached" ? "; use startNewSession" : "";
    throw new TypeError(`there is no option ${JSON.stringify(name)}${hint}`);
  } else if (value !== shell) {
    throw new ValueError(`shell must be ${shell}: one method runs programs, the other shell commands`);
  }
}

function assertFixed(name: string, value: unknown): void {
  const [only, reason] = FIXED[name]!;
  if (value === null || only.includes(value)) return;
  throw new ValueError(`${name} must be ${only.length > 0 ? inspect(only[0]) : "null"}: ${reason}`);
}

function assertPossible(name: string, value: unknown): void {
  const [anyway, wayOut] = IMPOSSIBLE[name]!;
  if (value === null || anyway.includes(value)) return;
  throw new NotImplementedError(`${name} is not possible here: ${wayOut}`);
}

function assertEnvironment(env: unknown): void {
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    throw new TypeError(`env must be an object of strings, not ${describeValue(env)}`);
  }
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || name.includes("=") || name.includes("\0")) {
      throw new ValueError(`illegal environment variable name: ${JSON.stringify(name)}`);
    }
    if (value !== undefined) textOf(`env.${name}`, value);
  }
}

function assertId(name: string, value: unknown): void {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new TypeError(`${name} must be a number, not ${describeValue(value)}`);
  }
  if (value < 0 || value >= 2 ** 31) throw new ValueError(`${name} is out of range: ${value}`);
}

function assertBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean")
    throw new TypeError(`${name} must be a boolean, not ${describeValue(value)}`);
}

function assertFds(fds: unknown): void {
  if (!Array.isArray(fds)) throw new TypeError(`passFds must be a list of fds, not ${describeValue(fds)}`);
  for (const fd of fds) {
    if (!Number.isInteger(fd))
      throw new TypeError(`passFds must be a list of fds, not of ${describeValue(fd)}`);
    if (fd < 3) throw new ValueError(`passFds is for fds from 3 on; ${fd} is stdin, stdout or stderr`);
  }
}
