import type { BaseEventLoop } from "../core/base-events.ts";
import { RuntimeError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { Waiting } from "../io/backend.ts";
import { FlowControlMixin, Waiters } from "../io/flow-control.ts";
import { DEFAULT_LIMIT, StreamReader } from "../io/stream-reader.ts";
import { StreamWriter } from "../io/stream-writer.ts";
import { SubprocessProtocol } from "./subprocess-protocol.ts";
import type { SubprocessTransport } from "./subprocess-transport.ts";

/**
 * Makes streams of a process's pipes. The transport is closed when the process has exited and its output has ended.
 * Python: `asyncio.subprocess.SubprocessStreamProtocol`.
 */
export class SubprocessStreamProtocol extends SubprocessProtocol {
  /** To the process's stdin; null if that is no pipe, or the process has not been started. */
  stdin: StreamWriter | null = null;
  /** From the process's stdout; null as {@link stdin}. */
  stdout: StreamReader | null = null;
  /** From the process's stderr; null as {@link stdin}. */
  stderr: StreamReader | null = null;
  readonly #loop: BaseEventLoop;
  readonly #limit: number;
  readonly #flow: FlowControlMixin;
  readonly #closers: Waiters;
  #transport: SubprocessTransport | null = null;
  /** How the pipe to stdin ended. */
  #stdinEnd: { readonly error: Error | null } | null = null;
  readonly #openOutputs = new Set<number>();
  #hasExited = false;

  /** `limit` as for a StreamReader. Throws RuntimeError if no loop is given and none runs. */
  constructor({
    limit = DEFAULT_LIMIT,
    loop = getRunningLoop(),
  }: { limit?: number; loop?: BaseEventLoop } = {}) {
    super();
    this.#loop = loop;
    this.#limit = limit;
    this.#flow = new FlowControlMixin({ loop });
    this.#closers = new Waiters(loop);
  }

  override connectionMade(transport: SubprocessTransport): void {
    this.#transport = transport;
    this.stdout = this.#readerOf(transport, 1);
    this.stderr = this.#readerOf(transport, 2);
    const stdin = transport.getPipeTransport(0);
    if (stdin !== null) this.stdin = new StreamWriter(stdin, this, null, this.#loop);
  }

  #readerOf(transport: SubprocessTransport, fd: 1 | 2): StreamReader | null {
    const pipe = transport.getPipeTransport(fd);
    if (pipe === null) return null;
    const reader = new StreamReader({ limit: this.#limit, loop: this.#loop });
    reader.setTransport(pipe);
    this.#openOutputs.add(fd);
    return reader;
  }

  override pipeDataReceived(fd: number, data: Buffer): void {
    this.#reader(fd)?.feedData(data);
  }

  override pipeConnectionLost(fd: number, error: Error | null): void {
    if (fd === 0) {
      this.#stdinLost(error);
      return;
    }
    const reader = this.#reader(fd);
    if (error === null) reader?.feedEof();
    else reader?.setException(error);
    this.#openOutputs.delete(fd);
    this.#closeIfOver();
  }

  override processExited(): void {
    this.#hasExited = true;
    this.#closeIfOver();
  }

  override pauseWriting(): void {
    this.#flow.pauseWriting();
  }

  override resumeWriting(): void {
    this.#flow.resumeWriting();
  }

  /** @internal */
  drained(): Waiting<void> {
    return this.#flow.drained();
  }

  /** @internal */
  *closed(): Waiting<void> {
    if (this.#transport === null) throw new RuntimeError("the process was not started");
    if (this.#stdinEnd === null) yield* this.#closers.wait();
    else if (this.#stdinEnd.error !== null) throw this.#stdinEnd.error;
  }

  #stdinLost(error: Error | null): void {
    this.stdin?.close();
    this.#flow.connectionLost(error);
    this.#stdinEnd = { error };
    this.#closers.release(error);
  }

  #closeIfOver(): void {
    if (this.#hasExited && this.#openOutputs.size === 0) this.#transport?.close();
  }

  #reader(fd: number): StreamReader | null {
    return fd === 1 ? this.stdout : fd === 2 ? this.stderr : null;
  }

  override toString(): string {
    const streams = Object.entries({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr });
    const parts = streams.flatMap(([name, stream]) => (stream === null ? [] : [`${name}=${stream}`]));
    return `<${["SubprocessStreamProtocol", ...parts].join(" ")}>`;
  }
}
