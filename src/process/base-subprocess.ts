import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { osError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Obligation } from "../core/obligations.ts";
import type { Backend, Waiting } from "../io/backend.ts";
import { Waiters } from "../io/flow-control.ts";
import { readPipeMaker, writePipeMaker } from "../io/pipes.ts";
import { Wakeup } from "../io/portable/wakeup.ts";
import type { ReadPipeTransport } from "../io/read-pipe-transport.ts";
import { mustBeClosed } from "../io/unclosed.ts";
import type { WritePipeTransport } from "../io/write-pipe-transport.ts";
import { begun, ended } from "./children.ts";
import { PipeProtocol } from "./pipe-protocol.ts";
import { returncodeOf, send } from "./process-signals.ts";
import { signalNumber } from "./signal-names.ts";
import type { Spawned } from "./spawning.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";
import { SubprocessTransport } from "./subprocess-transport.ts";

interface Pipe {
  readonly transport: ReadPipeTransport | WritePipeTransport;
  lost: boolean;
}

/**
 * The transport of a process. What its pipes and the process tell goes to the protocol in a callback of its own, and
 * waits until `connectionMade` has run: a process may be over before. Python: `base_subprocess.BaseSubprocessTransport`.
 */
export class BaseSubprocessTransport extends SubprocessTransport {
  /** Whether the process leads a process group of its own. */
  readonly leadsGroup: boolean;
  readonly #loop: BaseEventLoop;
  readonly #pid: number;
  readonly #pipes = new Map<number, Pipe>();
  readonly #exitWaiters: Waiters;
  readonly #endWaiters: Waiters;
  #protocol: SubprocessProtocol;
  /** What the protocol is to be told as soon as it knows of the connection; null from then on. */
  #pending: (() => void)[] | null = [];
  /** Whether stdin is a pipe of Node's, which does not notice that nobody reads any more: it is closed at the exit. */
  #stdinIsBlind = false;
  #closed = false;
  /** Whether the system has forgotten the process: its number may be another one's. */
  #reaped = false;
  /** Whether nobody is left in the process's group, and nobody can come into it any more. */
  #groupIsEmpty: boolean;
  #returncode: number | null = null;
  #finished = false;
  #ended = false;
  #closingOwed: Obligation | null = null;
  #stopListening: () => void = () => {};

  constructor(loop: BaseEventLoop, protocol: SubprocessProtocol, { child }: Spawned, leadsGroup: boolean) {
    super();
    this.leadsGroup = leadsGroup;
    this.#loop = loop;
    this.#pid = child.pid;
    this.#protocol = protocol;
    this.#groupIsEmpty = !leadsGroup;
    this.#exitWaiters = new Waiters(loop);
    this.#endWaiters = new Waiters(loop);
    this.extra.subprocess = child;
    begun(this, loop);
    child.unref();
    child.once("exit", (code, signal) => this.#onExit(returncodeOf(code, signal)));
  }

  /** Make transports of our ends of the pipes, then tell the protocol, then call `made`. */
  begin(io: Backend, pipes: Spawned["pipes"], made: () => void): void {
    this.#closingOwed = mustBeClosed(this, "transport", this.#loop);
    for (const [fd, end] of pipes) {
      const protocol = new PipeProtocol(fd, this);
      const make = fd === 0 ? writePipeMaker(this.#loop, io, end) : readPipeMaker(this.#loop, io, end);
      this.#pipes.set(fd, { transport: make(protocol), lost: false });
    }
    this.#stdinIsBlind = typeof pipes.get(0) === "object";
    let left = this.#pipes.size;
    const connect = () => {
      if (--left <= 0) this.#connect(made);
    };
    for (const { transport } of this.#pipes.values()) transport.begin(connect);
    if (left === 0) connect();
  }

  #connect(made: () => void): void {
    this.#loop.callSoon(() => this.#protocol.connectionMade(this));
    for (const call of this.#pending ?? []) this.#loop.callSoon(call);
    this.#pending = null;
    this.#loop.callSoon(made);
  }

  /** Kill the process, with its group if that is its own, when `signal` aborts. */
  killOn(signal: AbortSignal): void {
    const kill = () => this.killAll();
    if (signal.aborted) kill();
    signal.addEventListener("abort", kill, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", kill);
  }

  override getPid(): number {
    return this.#pid;
  }

  override getReturncode(): number | null {
    return this.#returncode;
  }

  override getPipeTransport(fd: 0): WritePipeTransport | null;
  override getPipeTransport(fd: 1 | 2): ReadPipeTransport | null;
  override getPipeTransport(fd: number): WritePipeTransport | ReadPipeTransport | null;
  override getPipeTransport(fd: number): WritePipeTransport | ReadPipeTransport | null {
    return this.#pipes.get(fd)?.transport ?? null;
  }

  override getProtocol(): SubprocessProtocol {
    return this.#protocol;
  }

  override setProtocol(protocol: SubprocessProtocol): void {
    this.#protocol = protocol;
  }

  override isClosing(): boolean {
    return this.#closed;
  }

  override sendSignal(signal: number | NodeJS.Signals): void {
    const number = signalNumber(signal);
    this.#assertUnfinished();
    if (!this.#reaped) send(this.#pid, number);
  }

  override terminate(): void {
    this.sendSignal("SIGTERM");
  }

  override kill(): void {
    this.sendSignal("SIGKILL");
  }

  /** Send `signal` to all that is left of the process's group. It must have one. */
  signalGroup(signal: number): void {
    if (!this.#groupIsEmpty) send(-this.#pid, signal);
  }

  /** Send `signal` to the process, or to its group if that is its own; nothing if it has exited. */
  signalAll(signal: number): void {
    if (!this.#reaped) send(this.leadsGroup ? -this.#pid : this.#pid, signal);
  }

  /** As {@link signalAll}, to end it; one that this user may not end is left alone. */
  killAll(): void {
    try {
      this.signalAll(signalNumber("SIGKILL"));
    } catch (error) {
      logger.warn(`${this} could not be killed`, error);
    }
  }

  override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closingOwed?.settle();
    for (const { transport } of this.#pipes.values()) transport.close();
    if (this.#reaped) return;
    if (this.#loop.getDebug()) logger.warn(`Close running child process: kill ${this}`);
    this.killAll();
  }

  /** The loop is closed. */
  abandon(): void {
    this.#closed = true;
    this.#closingOwed?.settle();
    this.killAll();
  }

  /** As {@link close}, and drop what stdin has not taken yet. */
  abort(): void {
    this.close();
    this.getPipeTransport(0)?.abort();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await new Coroutine(() => this.finished(), "SubprocessTransport.finished");
  }

  /** Wait until the process has exited; gives its return code. */
  *exited(): Waiting<number> {
    if (this.#returncode === null) yield* this.#exitWaiters.wait();
    return this.#returncode!;
  }

  /** Wait until the process has exited, and all of its pipes are closed. */
  *finished(): Waiting<void> {
    if (!this.#ended) yield* this.#endWaiters.wait();
  }

  /** @internal */
  pipeDataReceived(fd: number, data: Buffer): void {
    this.#tell(() => this.#protocol.pipeDataReceived(fd, data));
  }

  /** @internal */
  pipeConnectionLost(fd: number, error: Error | null): void {
    const pipe = this.#pipes.get(fd);
    if (pipe !== undefined) pipe.lost = true;
    this.#tell(() => this.#protocol.pipeConnectionLost(fd, error));
    this.#finishIfOver();
  }

  /** Outside of the loop's turn. Who is in a group keeps its number from being used again; an empty one stays empty. */
  #onExit(returncode: number): void {
    this.#reaped = true;
    this.#groupIsEmpty ||= !exists(-this.#pid);
    this.#stopListening();
    ended(this);
    new Wakeup(this.#loop, () => this.#exit(returncode)).queue();
  }

  #exit(returncode: number): void {
    this.#returncode = returncode;
    if (this.#loop.getDebug()) logger.info(`${this} exited with return code ${returncode}`);
    this.#tell(() => this.#protocol.processExited());
    this.#exitWaiters.release(null);
    if (this.#stdinIsBlind) this.getPipeTransport(0)?.close();
    this.#finishIfOver();
  }

  #tell(call: () => void): void {
    if (this.#pending !== null) this.#pending.push(call);
    else this.#loop.callSoon(call);
  }

  #finishIfOver(): void {
    if (this.#finished || this.#returncode === null) return;
    if ([...this.#pipes.values()].some(({ lost }) => !lost)) return;
    this.#finished = true;
    this.#tell(() => this.#connectionLost());
  }

  #connectionLost(): void {
    this.#ended = true;
    this.#closingOwed?.settle();
    try {
      this.#protocol.connectionLost(null);
    } finally {
      this.#endWaiters.release(null);
    }
  }

  #assertUnfinished(): void {
    if (this.#ended) throw osError("ESRCH", `the process ${this.#pid} is over`);
  }

  override toString(): string {
    const parts = this.#closed ? ["closed"] : [];
    parts.push(`pid=${this.#pid}`);
    parts.push(this.#returncode === null ? "running" : `returncode=${this.#returncode}`);
    for (const [fd, { transport }] of this.#pipes) {
      parts.push(`${["stdin", "stdout", "stderr"][fd]}=${transport}`);
    }
    return `<SubprocessTransport ${parts.join(" ")}>`;
  }
}

function exists(pid: number): boolean {
  try {
    return send(pid, 0);
  } catch {
    return true;
  }
}
