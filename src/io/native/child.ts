import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { constants } from "node:os";

/** Of two names for a number Node uses the first one. */
const names = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/**
 * A process as those of Node: of its class, with its events "exit" and "close"; Node itself knows nothing of it. It is not
 * made by Node's constructor, as that makes a handle which nobody would close.
 */
export class NativeChild extends (EventEmitter as unknown as typeof ChildProcess) {
  override readonly pid: number;
  override readonly spawnfile: string;
  override readonly spawnargs: string[];
  override stdin = null;
  override stdout = null;
  override stderr = null;
  override readonly stdio = [] as unknown as ChildProcess["stdio"];
  override readonly connected = false;
  override killed = false;
  override exitCode: number | null = null;
  override signalCode: NodeJS.Signals | null = null;

  constructor(pid: number, file: string, argv: readonly string[]) {
    super();
    becomeChildProcess();
    this.pid = pid;
    this.spawnfile = file;
    this.spawnargs = [...argv];
  }

  override kill(signal: NodeJS.Signals | number = "SIGTERM"): boolean {
    if (this.exitCode !== null || this.signalCode !== null) return false;
    process.kill(this.pid, signal);
    this.killed = true;
    return true;
  }

  /** It has exited: `status` is that of wait(2). A signal without a name for Node counts as code 0, as Node has it. */
  exited(status: number): void {
    const signal = names.get(status & 0x7f);
    if (signal === undefined) this.exitCode = (status >> 8) & 0xff;
    else this.signalCode = signal as NodeJS.Signals;
    this.emit("exit", this.exitCode, this.signalCode);
    // It has no streams of Node's that could still be open.
    this.emit("close", this.exitCode, this.signalCode);
  }
}

/** With the first one: most programs start none, and Node's module takes a while to load. */
function becomeChildProcess(): void {
  const { ChildProcess } = process.getBuiltinModule("node:child_process");
  if (NativeChild.prototype instanceof ChildProcess) return;
  Object.setPrototypeOf(NativeChild.prototype, ChildProcess.prototype);
}
