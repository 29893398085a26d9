import { waitFor } from "../concurrency/wait-for.ts";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { RuntimeError, TimeoutError, ValueError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import { assertDuration } from "../io/arguments.ts";
import type { Waiting } from "../io/backend.ts";
import type { StreamReader } from "../io/stream-reader.ts";
import type { StreamWriter } from "../io/stream-writer.ts";
import { type BytesLike, toBytes } from "../io/transports.ts";
import type { BaseSubprocessTransport } from "./base-subprocess.ts";
import { Communication, type Output } from "./communication.ts";
import { signalNumber } from "./signal-names.ts";
import type { SubprocessStreamProtocol } from "./stream-protocol.ts";

/** How many seconds a process has to end when it is asked to, before it is killed. */
export const GRACE = 5;

/** How many seconds `communicate` waits for pipes that others hold open when the process has exited. */
const DRAIN = 5;

/**
 * A process, with its pipes as streams; `createSubprocessExec` and `createSubprocessShell` make it.
 *
 * At the end of an `await using` block it is killed, if it still runs. So it is when its loop closes (`run` does that at
 * its end), with a ResourceWarning, and when this process exits by itself, by `process.exit` or by an uncaught error; not
 * when this process is killed. For one that is to live on, use Node's `spawn`. Python: `asyncio.subprocess.Process`.
 */
export class Process extends Inspectable implements AsyncDisposable {
  /** Writes to its stdin; null if that is no pipe. Python: `Process.stdin`. */
  readonly stdin: StreamWriter | null;
  /** Reads from its stdout; null if that is no pipe. Python: `Process.stdout`. */
  readonly stdout: StreamReader | null;
  /** Reads from its stderr; null if that is no pipe. Python: `Process.stderr`. */
  readonly stderr: StreamReader | null;
  /** Its id: of a shell command, that of the shell. Python: `Process.pid`. */
  readonly pid: number;
  readonly #transport: BaseSubprocessTransport;
  readonly #communication: Communication;

  /** @internal */
  constructor(transport: BaseSubprocessTransport, protocol: SubprocessStreamProtocol, loop: BaseEventLoop) {
    super();
    this.stdin = protocol.stdin;
    this.stdout = protocol.stdout;
    this.stderr = protocol.stderr;
    this.pid = transport.getPid();
    this.#transport = transport;
    this.#communication = new Communication(loop, transport, this);
  }

  /**
   * How it exited: its exit status, or -N if signal N ended it; null until the loop has seen it. Node does not tell
   * real-time signals: they count as 0. Python: `Process.returncode`.
   */
  get returncode(): number | null {
    return this.#transport.getReturncode();
  }

  /**
   * Wait until it has exited; gives its return code. Its output may still be there to be read. A process that writes more
   * than a pipe takes does not exit before somebody reads it: use {@link communicate} then.
   *
   * Cancel safety: it runs on. Python: `Process.wait`, as of 3.15.
   */
  wait(): Coroutine<number> {
    return new Coroutine(() => this.#transport.exited(), "Process.wait");
  }

  /**
   * Send `input` to its stdin and close that, read stdout and stderr to their ends, and wait until it has exited; gives
   * what it wrote, as `[stdout, stderr]`, null for what is no pipe. Do not change `input` meanwhile.
   *
   * What it has started may hold the pipes open when it has exited: `drain` seconds later, by default 5, they are closed,
   * and what came is given. Infinity waits for ever, as Python does. That it does not read all of `input` is no error.
   *
   * Throws TypeError if `input` is no bytes, ValueError if there is no pipe to stdin, or there was input before;
   * RuntimeError if a task reads from it. Cancel safety: it runs on, and nothing is lost: call it again, without input,
   * for all of the output. Python: `Process.communicate`.
   */
  communicate(
    input: BytesLike | null = null,
    options: { drain?: number | undefined } = {},
  ): Coroutine<Output> {
    const { drain = DRAIN } = options;
    assertDuration("drain", drain);
    const bytes = input === null ? null : toBytes(input);
    if (bytes !== null && this.stdin === null) throw new ValueError("input needs a pipe: { stdin: PIPE }");
    return new Coroutine(() => this.#communication.run(bytes, drain), "Process.communicate");
  }

  /**
   * Send a signal, by number or name. Nothing happens if it has exited. Throws ProcessLookupError once its pipes are
   * closed too; TypeError for what is neither, ValueError for an unknown name, OSError (EINVAL) for a number that is no
   * signal's, PermissionError. Python: `Process.send_signal`.
   */
  sendSignal(signal: number | NodeJS.Signals): void {
    this.#transport.sendSignal(signal);
  }

  /** Ask it to end: SIGTERM. Throws as {@link sendSignal}. Python: `Process.terminate`. */
  terminate(): void {
    this.#transport.terminate();
  }

  /** End it: SIGKILL. Throws as {@link sendSignal}. Python: `Process.kill`. */
  kill(): void {
    this.#transport.kill();
  }

  /**
   * Send a signal, by default SIGKILL, to all that is left of its process group: to it and all that it has started, as
   * far as that has not got a group of its own. Nothing happens if nobody is left. It may have exited itself.
   *
   * Throws RuntimeError unless it was started with `startNewSession`, because its group is that of this process then;
   * and as {@link sendSignal}. Python: `os.killpg(process.pid, signal)`.
   */
  killTree(signal: number | NodeJS.Signals = "SIGKILL"): void {
    const number = signalNumber(signal);
    if (!this.#transport.leadsGroup) {
      throw new RuntimeError(
        "the process is in the group of this process, which would be killed as well: " +
          "start it with { startNewSession: true }",
      );
    }
    this.#transport.signalGroup(number);
  }

  /**
   * Ask it to end, by SIGTERM; kill it if it still runs `grace` seconds later, by default 5. Gives its return code. If it
   * was started with `startNewSession`, this is for its whole group, and what is left of that when it has exited is
   * killed.
   *
   * Throws PermissionError if this user may not, TypeError or ValueError for a `grace` that is none. Cancel safety: it is
   * not killed, but it was asked to end. Python: none; `terminate`, `wait_for(process.wait(), grace)`, `kill`.
   */
  stop({ grace = GRACE }: { grace?: number | undefined } = {}): Coroutine<number> {
    assertDuration("grace", grace);
    return new Coroutine(() => this.#stop(grace), "Process.stop");
  }

  *#stop(grace: number): Waiting<number> {
    this.#transport.signalAll(signalNumber("SIGTERM"));
    try {
      yield* waitFor(this.wait(), Number.isFinite(grace) ? grace : null);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      this.#transport.signalAll(signalNumber("SIGKILL"));
    }
    const returncode = yield* this.#transport.exited();
    this.#transport.signalGroup(signalNumber("SIGKILL"));
    return returncode;
  }

  /** @internal Kill it if it still runs, and give up its pipes. */
  abort(): void {
    this.#transport.abort();
  }

  /** Kill it if it still runs, with its group if that is its own; close its pipes, and wait until it has exited. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  override toString(): string {
    return `<Process ${this.pid}>`;
  }
}
