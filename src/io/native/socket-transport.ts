import { constants } from "node:os";
import { RuntimeError } from "../../core/errors.ts";
import type { Frame } from "../../core/execution.ts";
import { type Callback, type Handle, RecurringHandle } from "../../core/handles.ts";
import type { Address } from "../address.ts";
import type { Waiting } from "../backend.ts";
import { BufferedProtocol, type Protocol, type StreamProtocol } from "../protocols.ts";
import type { FilePart } from "../sendfile.ts";
import type { Server } from "../server.ts";
import { AF_INET, AF_INET6, IPPROTO_TCP, SHUT_WR, TCP_NODELAY } from "../socket-constants.ts";
import { StreamTransport } from "../stream-transport.ts";
import type { ExtraInfo } from "../transports.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { sendfile } from "./sendfile.ts";
import { readIntoSlab } from "./slab.ts";
import type { Socket } from "./socket.ts";
import { NativeTransportSocket } from "./trsock.ts";
import { WriteBuffer } from "./write-buffer.ts";

const { EAGAIN, EINTR, ENOTCONN } = constants.errno;

/**
 * A stream transport on a connected socket, which belongs to it from now on. Writes go to the kernel first; only what
 * it does not take is buffered. Python: `_SelectorSocketTransport`.
 */
export class SocketTransport extends StreamTransport {
  readonly #events: SelectorEvents;
  readonly #sock: Socket;
  readonly #fd: number;
  /** Made when the kernel does not take everything. */
  #buffer: WriteBuffer | null = null;
  /** The peer has ended its side: there is nothing to read any more, and the protocol knows it. */
  #ended = false;
  /** Made with the transport, not in the callback that starts the reading: it would keep the frame of that. */
  #reader: Handle;

  constructor(
    events: SelectorEvents,
    sock: Socket,
    protocol: StreamProtocol,
    options: { server?: Server; peername?: Address | null; frame?: Frame } = {},
  ) {
    super(events.loop, protocol, options.server ?? null, extraOf(sock, options.peername));
    this.#events = events;
    this.#sock = sock;
    this.#fd = sock.fileno();
    this.#reader = this.#makeReader(options.frame);
    disableNagle(sock);
    events.own(sock);
  }

  override pauseReading(): void {
    if (!this.isReading()) return;
    this.paused = true;
    this.#events.remove("reader", this.#fd);
  }

  override resumeReading(): void {
    if (this.closing || !this.paused) return;
    this.paused = false;
    this.startReading();
  }

  override getWriteBufferSize(): number {
    return this.#buffer?.size ?? 0;
  }

  override writeEof(): void {
    if (this.closing || this.eofWritten) return;
    this.assertNoFile("writeEof");
    this.eofWritten = true;
    if (this.getWriteBufferSize() === 0) this.#shutdown();
  }

  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.#events.remove("reader", this.#fd);
    if (this.getWriteBufferSize() === 0) this.lose(null);
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.#buffer?.clear();
    this.#events.remove("writer", this.#fd);
    this.#events.remove("reader", this.#fd);
    this.closing = true;
    this.lose(error);
  }

  protected override send(bytes: Uint8Array): void {
    if (this.getWriteBufferSize() > 0) {
      this.#keep(bytes);
    } else {
      const sent = this.#sent(libc().send(this.#fd, bytes, 0, bytes.byteLength), "send");
      if (sent < 0 || sent === bytes.byteLength) return;
      this.#keep(sent === 0 ? bytes : bytes.subarray(sent));
      this.#watchWriter();
    }
    this.pauseIfAboveHigh();
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    const wasEmpty = this.getWriteBufferSize() === 0;
    for (const chunk of chunks) this.#keep(chunk);
    if (wasEmpty) {
      if (!this.#flush()) return;
      if (this.getWriteBufferSize() > 0) this.#watchWriter();
    }
    this.pauseIfAboveHigh();
  }

  override lend(bytes: Buffer): void {
    const before = this.getWriteBufferSize();
    this.write(bytes);
    if (this.getWriteBufferSize() > before) this.#buffer!.copyLast();
  }

  #keep(chunk: Uint8Array): void {
    this.#buffer ??= new WriteBuffer();
    this.#buffer.push(chunk);
  }

  #watchWriter(): void {
    this.#events.add("writer", this.#fd, () => this.#onWritable());
  }

  /** @internal Have the kernel send a file; between {@link sendFile}'s beginning and end. */
  sendfile(part: FilePart): Waiting<number> {
    return sendfile({ fileno: () => this.#fd, writable: () => this.#writable() }, part);
  }

  *#writable(): Waiting<void> {
    const handle = this.#events.add("writer", this.#fd, () => this.roomMade());
    try {
      yield* this.room();
    } finally {
      // Cancelled by whoever closes the socket: its number may be another one's by now.
      if (!handle.cancelled()) this.#events.remove("writer", this.#fd);
    }
  }

  /** Returns false if the connection is lost. */
  #flush(): boolean {
    if (this.#buffer === null) return true;
    const sent = this.#sent(libc().writev(this.#fd, this.#buffer.head()), "write");
    if (sent > 0) this.#buffer.consume(sent);
    return sent >= 0;
  }

  /** 0 where the kernel would have to wait, -1 where it refuses: then the connection is lost. */
  #sent(result: number, syscall: string): number {
    if (result >= 0) return result;
    if (result === -EAGAIN || result === -EINTR) return 0;
    this.fatalError(errnoError(-result, syscall), "Fatal write error on socket transport");
    return -1;
  }

  #onWritable(): void {
    if (this.lost > 0 || !this.#flush()) return;
    this.resumeIfBelowLow();
    if (this.getWriteBufferSize() > 0) return;
    this.#events.remove("writer", this.#fd);
    if (this.lost > 0) return;
    if (this.closing) this.lose(null);
    else if (this.eofWritten) this.#shutdown();
  }

  protected override startReading(): void {
    if (!this.isReading() || this.#ended) return;
    if (this.#reader.cancelled()) this.#reader = this.#makeReader();
    this.#events.addHandle("reader", this.#fd, this.#reader);
  }

  #makeReader(frame?: Frame): Handle {
    return new RecurringHandle(SocketTransport.#read as Callback, [this], this.loop, undefined, frame);
  }

  static #read(transport: SocketTransport): void {
    transport.#onReadable();
  }

  #onReadable(): void {
    if (this.lost > 0) return;
    const protocol = this.getProtocol();
    if (protocol instanceof BufferedProtocol) this.#readBuffered(protocol);
    else this.#readPlain(protocol);
  }

  #readPlain(protocol: Protocol): void {
    const data = readIntoSlab("recv", this.#fd);
    if (typeof data === "number") this.#onNothingRead(data);
    else this.feed("dataReceived", () => protocol.dataReceived(data));
  }

  #readBuffered(protocol: BufferedProtocol): void {
    this.feed("getBuffer", () => {
      const buffer = protocol.getBuffer(-1);
      if (buffer.byteLength === 0) throw new RuntimeError("getBuffer() returned an empty buffer");
      const count = libc().recv(this.#fd, buffer, 0, buffer.byteLength);
      if (count <= 0) this.#onNothingRead(count);
      else this.feed("bufferUpdated", () => protocol.bufferUpdated(count));
    });
  }

  #onNothingRead(result: number): void {
    if (result === 0) this.#onEof();
    else if (result !== -EAGAIN && result !== -EINTR) {
      this.fatalError(errnoError(-result, "recv"), "Fatal read error on socket transport");
    }
  }

  #onEof(): void {
    this.#ended = true;
    this.feed("eofReceived", () => {
      const keepOpen = this.getProtocol().eofReceived();
      if (keepOpen) this.#events.remove("reader", this.#fd);
      else this.close();
    });
  }

  #shutdown(): void {
    try {
      this.#sock.shutdown(SHUT_WR);
    } catch (error) {
      // The peer may have reset the connection meanwhile; reading will tell.
      if ((error as { errno?: number }).errno !== ENOTCONN) throw error;
    }
  }

  protected override closeSocket(): void {
    this.#events.closeOwned(this.#sock);
  }

  override toString(): string {
    return `<SocketTransport ${this.stateName} fd=${this.#fd} buffered=${this.getWriteBufferSize()}>`;
  }
}

function extraOf(sock: Socket, peername?: Address | null): Partial<ExtraInfo> {
  return {
    socket: new NativeTransportSocket(sock),
    sockname: sock.getsockname(),
    peername: peername ?? peernameOf(sock),
  };
}

function peernameOf(sock: Socket): Address | null {
  try {
    return sock.getpeername();
  } catch {
    return null;
  }
}

/** A small write is sent at once instead of waiting for the acknowledgement of the last one, as in CPython. */
function disableNagle(sock: Socket): void {
  if (sock.family === AF_INET || sock.family === AF_INET6) sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
}
