import { inspect } from "node:util";
import { TimeoutError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import { signalName } from "./signal-names.ts";

/** What was run: a program and its arguments. */
export type CommandLine = readonly string[];

/**
 * A process that has exited: `returncode`, and what it wrote, as far as that was captured. `subprocess.run` gives it.
 * Python: `subprocess.CompletedProcess`.
 */
export class CompletedProcess extends Inspectable {
  /** The program, and its arguments. */
  readonly args: CommandLine;
  /** Its exit status, or -N if signal N ended it. */
  readonly returncode: number;
  /** What it wrote to stdout; null if that is no pipe. */
  readonly stdout: Buffer | null;
  /** What it wrote to stderr; null if that is no pipe. */
  readonly stderr: Buffer | null;

  constructor(
    args: CommandLine,
    returncode: number,
    stdout: Buffer | null = null,
    stderr: Buffer | null = null,
  ) {
    super();
    this.args = args;
    this.returncode = returncode;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** Throws CalledProcessError unless the return code is 0. Python: `check_returncode`. */
  checkReturncode(): void {
    if (this.returncode === 0) return;
    throw new CalledProcessError(this.returncode, this.args, this.stdout, this.stderr);
  }

  override toString(): string {
    const parts = [`args=${show(this.args)}`, `returncode=${this.returncode}`];
    if (this.stdout !== null) parts.push(`stdout=${inspect(String(this.stdout))}`);
    if (this.stderr !== null) parts.push(`stderr=${inspect(String(this.stderr))}`);
    return `<CompletedProcess ${parts.join(" ")}>`;
  }
}

/** A process exited with another status than 0. Python: `subprocess.CalledProcessError`. */
export class CalledProcessError extends Error {
  override name = "CalledProcessError";
  readonly code = "ERR_ASYNCIO_CALLED_PROCESS";
  /** Its exit status, or -N if signal N ended it. */
  readonly returncode: number;
  /** The program, and its arguments. */
  readonly cmd: CommandLine;
  /** What it wrote to stdout, as far as that was captured. */
  readonly stdout: Buffer | null;
  /** What it wrote to stderr, as far as that was captured. */
  readonly stderr: Buffer | null;

  constructor(
    returncode: number,
    cmd: CommandLine,
    stdout: Buffer | null = null,
    stderr: Buffer | null = null,
  ) {
    super(`Command '${show(cmd)}' ${howItEnded(returncode)}.`);
    this.returncode = returncode;
    this.cmd = cmd;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** The same as {@link stdout}, under Python's other name. */
  get output(): Buffer | null {
    return this.stdout;
  }
}

/** A process took too long, and was ended. Python: `subprocess.TimeoutExpired`. */
export class TimeoutExpired extends TimeoutError {
  override name = "TimeoutExpired";
  /** The program, and its arguments. */
  readonly cmd: CommandLine;
  /** How many seconds it had. */
  readonly timeout: number;
  /** What it wrote to stdout until it ended, as far as that was captured. */
  readonly stdout: Buffer | null;
  /** What it wrote to stderr until it ended, as far as that was captured. */
  readonly stderr: Buffer | null;

  constructor(cmd: CommandLine, timeout: number, stdout: Buffer | null = null, stderr: Buffer | null = null) {
    super(`Command '${show(cmd)}' timed out after ${timeout} seconds`);
    this.cmd = cmd;
    this.timeout = timeout;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** The same as {@link stdout}, under Python's other name. */
  get output(): Buffer | null {
    return this.stdout;
  }
}

function howItEnded(returncode: number): string {
  if (returncode >= 0) return `returned non-zero exit status ${returncode}`;
  const name = signalName(-returncode);
  return name === null
    ? `died with unknown signal ${-returncode}`
    : `died with <Signals.${name}: ${-returncode}>`;
}

function show(cmd: CommandLine): string {
  return `[${cmd.map((word) => inspect(word)).join(", ")}]`;
}
