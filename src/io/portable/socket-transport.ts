import type { Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Server } from "../server.ts";
import { namesOf, type SocketNames } from "./addresses.ts";
import { fromNode } from "./errors.ts";
import { NodeStreamTransport } from "./node-stream-transport.ts";
import { PortableTransportSocket } from "./trsock.ts";

/** A stream transport on a socket of Node's, which belongs to it from now on. */
export class SocketTransport extends NodeStreamTransport<Socket> {
  readonly #view: PortableTransportSocket;

  constructor(
    loop: BaseEventLoop,
    socket: Socket,
    protocol: StreamProtocol,
    server: Server | null = null,
    { sockname, peername }: SocketNames = namesOf(socket),
  ) {
    super(loop, socket, protocol, server);
    this.#view = new PortableTransportSocket(sockname, peername);
    this.extra.socket = this.#view;
    this.extra.sockname = sockname;
    if (peername !== null) this.extra.peername = peername;
    socket.setNoDelay(true);
    if (socket.errored) this.onError(socket.errored);
  }

  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.stream.pause();
    if (this.draining) this.noticeLoss();
    else this.lose(null);
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    // At once, not with connectionLost: what is buffered must not go out in between.
    this.stream.destroy();
    this.lose(error);
  }

  /** A failed read comes behind the bytes that were read before it, and waits while reading is paused. */
  protected override onError(error: NodeJS.ErrnoException): void {
    if (error.syscall !== "read") {
      this.failWrite(fromNode(error));
      return;
    }
    this.incoming.fail(fromNode(error));
    this.queueReader();
  }

  /** A failed read has destroyed the socket: where nobody reads, it is the failure of what is to be written. */
  protected override noticeLoss(): void {
    const { errored } = this.stream;
    if (errored && !this.isReading()) this.failWrite(fromNode(errored));
  }

  protected override fail(error: Error, doing: "read" | "write"): void {
    this.fatalError(error, `Fatal ${doing} error on socket transport`);
  }

  protected override emptied(): void {
    if (this.closing) this.lose(null);
  }

  protected override closeSocket(): void {
    this.stream.destroy();
    this.#view.markClosed();
  }

  override toString(): string {
    return `<SocketTransport ${this.stateName} buffered=${this.getWriteBufferSize()}>`;
  }
}
