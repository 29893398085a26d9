import type { Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Server } from "../server.ts";
import { StreamTransport } from "../stream-transport.ts";
import { namesOf, type SocketNames } from "./addresses.ts";
import { fromNode } from "./errors.ts";
import { Incoming } from "./incoming.ts";
import { PortableTransportSocket } from "./trsock.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * A stream transport on a socket of Node's, which belongs to it from now on.
 *
 * Node calls when it likes; the protocol is called in the loop's turn only. So Node's events do no more than to note
 * what happened and to wake one of two callbacks: one that delivers what came in, one piece in an iteration, as an epoll
 * loop would; and one that deals with what went out.
 */
export class SocketTransport extends StreamTransport {
  readonly #socket: Socket;
  readonly #view: PortableTransportSocket;
  readonly #incoming: Incoming;
  readonly #reader: Wakeup;
  readonly #writer: Wakeup;
  #reading = false;
  /** Whether Node holds bytes that the kernel did not take: then somebody waits for {@link #onWritten}. */
  #draining = false;
  /** Why nothing can be written any more. */
  #writeError: Error | null = null;

  constructor(
    loop: BaseEventLoop,
    socket: Socket,
    protocol: StreamProtocol,
    server: Server | null = null,
    { sockname, peername }: SocketNames = namesOf(socket),
  ) {
    super(loop, protocol, server);
    this.#socket = socket;
    this.#incoming = new Incoming(socket);
    this.#reader = new Wakeup(loop, () => this.#deliver());
    this.#writer = new Wakeup(loop, () => this.#flushed());
    this.#view = new PortableTransportSocket(sockname, peername);
    this.extra.socket = this.#view;
    this.extra.sockname = sockname;
    if (peername !== null) this.extra.peername = peername;
    socket.setNoDelay(true);
    this.#listen();
  }

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.paused = true;
    this.#socket.pause();
    if (this.#draining) this.#noticeLoss();
  }

  override resumeReading(): void {
    if (this.closing || !this.paused) return;
    this.paused = false;
    this.#readOn();
  }

  /** Bytes that the kernel took a part of count as a whole until it has them all: Node does not tell. */
  override getWriteBufferSize(): number {
    return this.lost > 0 ? 0 : this.#socket.writableLength;
  }

  override writeEof(): void {
    if (this.closing || this.eofWritten) return;
    this.assertNoFile("writeEof");
    this.eofWritten = true;
    this.#socket.end();
  }

  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.#socket.pause();
    if (this.#draining) this.#noticeLoss();
    else this.lose(null);
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    // At once, not with connectionLost: what is buffered must not go out in between.
    this.#socket.destroy();
    this.lose(error);
  }

  protected override send(bytes: Uint8Array): void {
    this.#socket.write(bytes, this.#onWritten);
    this.#afterWrite();
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk, this.#onWritten);
    this.#socket.uncork();
    this.#afterWrite();
  }

  #afterWrite(): void {
    if (this.#socket.writableLength === 0) return;
    this.#draining = true;
    this.pauseIfAboveHigh();
  }

  #listen(): void {
    const socket = this.#socket;
    // First of all: a listener for data would start the reading otherwise.
    socket.pause();
    socket.on("data", (chunk: Buffer) => {
      this.#incoming.push(chunk);
      this.#queueReader();
    });
    socket.on("end", () => {
      this.#incoming.end();
      this.#queueReader();
    });
    socket.on("error", (error) => this.#onError(error));
    if (socket.errored) this.#onError(socket.errored);
  }

  /** A failed read comes behind the bytes that were read before it, and waits while reading is paused. */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.syscall !== "read") {
      this.#failWrite(error);
      return;
    }
    this.#incoming.fail(fromNode(error));
    this.#queueReader();
  }

  /** Node calls it for each chunk, and for those that a failed read left unsent. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error) this.#noticeLoss();
    else if (this.#draining) this.#writer.queue();
  };

  /** A failed read has destroyed the socket: where nobody reads, it is the failure of what is to be written. */
  #noticeLoss(): void {
    const { errored } = this.#socket;
    if (errored && !this.isReading()) this.#failWrite(errored);
  }

  #failWrite(error: Error): void {
    this.#writeError ??= fromNode(error);
    this.#writer.queue();
  }

  #queueReader(): void {
    if (this.#reading && this.isReading()) this.#reader.queue();
  }

  /** Deliver what is there already; if there is nothing, let Node read. */
  #readOn(): void {
    if (!this.#reading || !this.isReading()) return;
    if (!this.#incoming.isEmpty()) this.#queueReader();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #deliver(): void {
    if (!this.isReading() || this.#incoming.isEmpty()) return;
    const chunk = this.#incoming.shift();
    if (chunk !== null) this.handOver(chunk, this.#incoming);
    else if (this.#incoming.error === null) this.#receiveEof();
    else this.fatalError(this.#incoming.error, "Fatal read error on socket transport");
    this.#readOn();
  }

  #receiveEof(): void {
    this.feed("eofReceived", () => {
      if (!this.getProtocol().eofReceived()) this.close();
    });
  }

  #flushed(): void {
    if (this.lost > 0) return;
    if (this.#writeError !== null) {
      this.fatalError(this.#writeError, "Fatal write error on socket transport");
      return;
    }
    this.resumeIfBelowLow();
    if (this.getWriteBufferSize() > 0) return;
    this.#draining = false;
    if (this.closing && this.lost === 0) this.lose(null);
  }

  protected override startReading(): void {
    this.#reading = true;
    this.#readOn();
  }

  protected override lose(error: Error | null): void {
    this.#incoming.clear();
    super.lose(error);
  }

  protected override closeSocket(): void {
    this.#socket.destroy();
    this.#view.markClosed();
  }

  override toString(): string {
    return `<SocketTransport ${this.stateName} buffered=${this.getWriteBufferSize()}>`;
  }
}
