import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { ConnectionError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Waiting } from "./backend.ts";
import { FlowControlMixin } from "./flow-control.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { SSLContext } from "./tls/ssl-context.ts";
import type { SSLContextOptions } from "./tls/ssl-options.ts";
import { type StartTlsOptions, upgrade, upgradeSettings } from "./tls/start-tls.ts";
import type { TlsSettings } from "./tls/tls-settings.ts";
import type { BytesLike, ExtraInfo, WriteTransport } from "./transports.ts";
import { isWatched } from "./unclosed.ts";

/** What a writer needs of its protocol. A {@link FlowControlMixin} has the first, a StreamReaderProtocol both. */
export interface WriterProtocol {
  /** Wait until the transport wants to be written to. */
  drained(): Waiting<void>;
  /** Wait until what `writer` writes to is closed. */
  closed(writer: StreamWriter): Waiting<void>;
  /** Whether this is the server's side of a connection. */
  readonly serverSide?: boolean;
}

/** All of a writer that outlives it: it must not refer to the writer, or that would never be collected. */
interface Link {
  transport: WriteTransport;
  readonly loop: BaseEventLoop;
}

const unclosed = new FinalizationRegistry<Link>(({ transport, loop }) => {
  if (transport.isClosing()) return;
  if (loop.isClosed()) {
    if (isWatched(transport)) return;
    process.emitWarning(`a StreamWriter was not closed before its loop was: ${transport}`, "ResourceWarning");
  } else {
    process.emitWarning(`unclosed StreamWriter: ${transport}`, "ResourceWarning");
    transport.close();
  }
});

/**
 * Writes to a connection; `openConnection` and `startServer` make it. Close it: at the end of an `await using` block, or
 * by {@link close}. If it is garbage collected before, with its reader, a ResourceWarning is emitted and the connection
 * closed. Python: `asyncio.StreamWriter`.
 */
export class StreamWriter extends Inspectable implements AsyncDisposable {
  readonly #link: Link;
  readonly #protocol: WriterProtocol;
  readonly #reader: StreamReader | null;

  /** For a transport of your own, whose protocol is `protocol`. `reader` is the other half, if there is one. */
  constructor(
    transport: WriteTransport,
    protocol: WriterProtocol,
    reader: StreamReader | null,
    loop: BaseEventLoop,
  ) {
    super();
    this.#link = { transport, loop };
    this.#protocol = protocol;
    this.#reader = reader;
    if (reader !== null) reader.partner = this;
    unclosed.register(this, this.#link);
  }

  /** @internal */
  get loop(): BaseEventLoop {
    return this.#link.loop;
  }

  /** The transport that is written to. Python: `StreamWriter.transport`. */
  get transport(): WriteTransport {
    return this.#link.transport;
  }

  /**
   * Send `data`: what the system takes at once, the rest in the background. It never waits, so {@link drain} now and
   * then. Once the connection is lost, data is dropped.
   *
   * Throws TypeError if `data` is no bytes, RuntimeError after {@link writeEof}. Python: `StreamWriter.write`.
   */
  write(data: BytesLike): void {
    this.transport.write(data);
  }

  /** As one {@link write} of all the chunks, with nothing between them. Python: `StreamWriter.writelines`. */
  writelines(chunks: Iterable<BytesLike>): void {
    this.transport.writelines(chunks);
  }

  /** End this side once everything is sent; the other may go on. Python: `StreamWriter.write_eof`. */
  writeEof(): void {
    this.transport.writeEof();
  }

  /** Whether {@link writeEof} is possible. Python: `StreamWriter.can_write_eof`. */
  canWriteEof(): boolean {
    return this.transport.canWriteEof();
  }

  /**
   * Wait while too much is buffered: above the transport's high mark, until its low mark is reached. It does not wait
   * until all is sent, and below the high mark not at all. Several tasks may wait at once.
   *
   * Throws the connection's error, or ConnectionResetError, once it is lost. Cancel safety: nothing is lost, what was
   * written will be sent. Python: `StreamWriter.drain`.
   */
  drain(): Coroutine<void> {
    return new Coroutine(() => this.#drain(), "StreamWriter.drain");
  }

  /**
   * Speak TLS from here on: wait until what is buffered may be sent, then for the handshake. What startServer made is the
   * server's side. {@link transport} is another one then. Nobody may read meanwhile; what a client's reader holds then was
   * not encrypted, so read it before.
   *
   * Throws as `loop.startTls`; TypeError if the transport or its protocol cannot do that. Cancel safety: the connection is
   * ended. Python: `StreamWriter.start_tls`.
   */
  startTls(
    sslcontext: SSLContext | SSLContextOptions,
    options: Omit<StartTlsOptions, "serverSide"> = {},
  ): Coroutine<void> {
    const protocol = this.#protocol;
    if (!(protocol instanceof FlowControlMixin)) throw new TypeError(`${protocol} cannot be behind TLS`);
    const serverSide = this.#protocol.serverSide ?? false;
    const settings = upgradeSettings(this.transport, sslcontext, { ...options, serverSide });
    return new Coroutine(() => this.#startTls(protocol, settings), "StreamWriter.startTls");
  }

  /** Send what is buffered, then end the connection; {@link waitClosed} waits for that. Python: `StreamWriter.close`. */
  close(): void {
    this.transport.close();
  }

  /** Whether the connection is closing or closed. Python: `StreamWriter.is_closing`. */
  isClosing(): boolean {
    return this.transport.isClosing();
  }

  /**
   * Wait until the connection is closed. It does not close it, and waits for ever if nobody does; after {@link close}
   * as long as the other side does not take what is buffered.
   *
   * Throws the error that the connection broke with. Cancel safety: nothing is lost. Python: `StreamWriter.wait_closed`.
   */
  waitClosed(): Coroutine<void> {
    return new Coroutine(() => this.#protocol.closed(this), "StreamWriter.waitClosed");
  }

  /** A fact about the connection, such as `"peername"`, or `fallback` if it is not known. Python: `StreamWriter.get_extra_info`. */
  getExtraInfo<K extends keyof ExtraInfo>(name: K, fallback?: null): ExtraInfo[K] | null;
  getExtraInfo<T>(name: string, fallback: T): unknown;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.transport.getExtraInfo(name, fallback);
  }

  /**
   * {@link close}, and wait until it is done. A ConnectionError is not thrown: a connection that the other side has
   * dropped is closed, and thrown here the error would bury the one of the block itself. To learn whether everything was
   * sent, `close()` and `await waitClosed()` at the end of the block. Other errors are thrown.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    try {
      await this.waitClosed();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }

  *#startTls(protocol: FlowControlMixin, settings: TlsSettings): Waiting<void> {
    yield* this.#drain();
    this.#link.transport = yield* upgrade(this.loop, this.transport, protocol, settings);
  }

  #drain(): Waiting<void> {
    const error = this.#reader?.exception() ?? null;
    if (error !== null) throw error;
    return this.isClosing() ? this.#drainClosing() : this.#protocol.drained();
  }

  /** After a turn of the loop, in which connectionLost may come: who only writes and drains would never notice otherwise. */
  *#drainClosing(): Waiting<void> {
    yield;
    yield* this.#protocol.drained();
  }

  override toString(): string {
    const parts = [`transport=${this.transport}`];
    if (this.#reader !== null) parts.push(`reader=${this.#reader}`);
    return `<StreamWriter ${parts.join(" ")}>`;
  }
}
