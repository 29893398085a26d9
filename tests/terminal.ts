/**
 * Programs in a terminal, at whose keyboard a test sits.
 *
 * ```ts
 * await using terminal = new Terminal(process.execPath, ["program.ts"]);
 * await terminal.shows("ready");
 * terminal.type(CTRL_C);
 * assert.deepEqual(await terminal.ended, { code: 130, signal: null });
 * assert.deepEqual(await terminal.left(), []);
 * ```
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { missing } from "./io/programs.ts";

export const CTRL_C = "\x03";

/** False, or why such tests are skipped. */
export const skip: false | string =
  process.platform === "linux"
    ? missing("python3", ["-c", "import os; print(hasattr(os, 'pidfd_open'))"], /True/)
    : "it looks into /proc";

/**
 * What a shell does: it leads the session, and the program is its job in the foreground. So it outlives the program: the
 * end of the leader would hang up on all that are left, and hide them.
 */
const SHELL = `
import fcntl, os, select, signal, sys, termios
REPORT = 3
os.set_inheritable(REPORT, False)
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
modes = termios.tcgetattr(slave)
modes[1] &= ~termios.OPOST
modes[3] &= ~termios.ECHO
termios.tcsetattr(slave, termios.TCSANOW, modes)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
program = os.fork()
if program == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(slave, os.getpid())
    for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    for fd in range(3):
        os.dup2(slave, fd)
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, master, os.pidfd_open(program)]
while True:
    ready = select.select(sources, [], [])[0]
    if ready[0] == 0:
        keys = os.read(0, 65536)
        if not keys:
            break
        os.write(master, keys)
    elif ready[0] == master:
        os.write(1, os.read(master, 65536))
    else:
        os.write(REPORT, str(os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])).encode())
        os.close(REPORT)
        os.close(1)
        sources = [0]
`;

/** How a program has ended: by itself, or by a signal. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A terminal, and the program that runs in it. It shows what the program writes, without any echo. */
export class Terminal implements AsyncDisposable {
  /** Settles when the program has ended, and all that it had written is on the screen. */
  readonly ended: Promise<End>;
  readonly #shell: ChildProcess;
  /** Whoever the program has started has this in its environment, also in a session of its own. */
  readonly #mark = `TERMINAL=${randomUUID()}`;
  readonly #changes = new EventEmitter();
  #screen = "";
  #hasEnded = false;

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const [name, value] = this.#mark.split("=") as [string, string];
    this.#shell = spawn("python3", ["-c", SHELL, program, ...args], {
      detached: true,
      stdio: ["pipe", "pipe", "inherit", "pipe"],
      env: { ...env, [name]: value },
    });
    this.#shell.stdout!.setEncoding("utf8").on("data", (output) => {
      this.#screen += output;
      this.#changes.emit("change");
    });
    this.ended = this.#end();
  }

  async #end(): Promise<End> {
    const report = this.#shell.stdio[3] as Readable;
    const [status] = await Promise.all([text(report), once(this.#shell.stdout!, "end")]);
    assert.notEqual(status, "", "the terminal itself has failed");
    this.#hasEnded = true;
    this.#changes.emit("change");
    const code = Number(status);
    if (code >= 0) return { code, signal: null };
    const names = Object.entries(constants.signals);
    return { code: null, signal: names.find(([, number]) => number === -code)![0] };
  }

  /** All that the program has written. */
  get screen(): string {
    return this.#screen;
  }

  /** Wait until `what` is on the screen. Throws if the program ends without. */
  async shows(what: string): Promise<void> {
    while (!this.#screen.includes(what)) {
      assert.ok(!this.#hasEnded, `the program ended, and showed ${JSON.stringify(this.#screen)}`);
      await once(this.#changes, "change");
    }
  }

  type(keys: string): void {
    this.#shell.stdin!.write(keys);
  }

  /** Who is there: the program, and all that it and its kin have started; no zombies. */
  processes(): number[] {
    const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
    return pids.map(Number).filter((pid) => pid !== this.#shell.pid && this.#isOurs(pid));
  }

  #isOurs(pid: number): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") return false;
      return Number(session) === this.#shell.pid || this.#isMarked(pid);
    } catch {
      return false;
    }
  }

  #isMarked(pid: number): boolean {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(this.#mark);
  }

  /** Who is left when those that are about to end had the time for it, as command lines: so that a failure tells who. */
  async left(): Promise<string[]> {
    for (let i = 0; i < 2000 && this.processes().length > 0; i++) await delay(10);
    return this.processes().map(commandLineOf);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.processes()) kill(pid);
    this.#shell.stdin!.end();
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) await once(this.#shell, "exit");
  }
}

function commandLineOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim().slice(0, 200)}`;
  } catch {
    return `${pid}, gone by now`;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
