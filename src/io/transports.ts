import type { ChildProcess } from "node:child_process";
import type { CipherNameAndProtocol, PeerCertificate } from "node:tls";
import { inspect, types } from "node:util";
import { ValueError } from "../core/errors.ts";
import { Inspectable } from "../core/inspectable.ts";
import type { Address } from "./address.ts";
import type { ReadPipe, WritePipe } from "./pipes.ts";
import type { BaseProtocol } from "./protocols.ts";
import type { SSLContext } from "./tls/ssl-context.ts";
import type { SSLObject } from "./tls/ssl-object.ts";
import type { TransportSocket } from "./trsock.ts";

/** What `getExtraInfo` knows by name. */
export interface ExtraInfo {
  /** A restricted view of the socket. */
  socket: TransportSocket;
  /** This side's address. */
  sockname: Address;
  /** The other side's address; null if there is none. */
  peername: Address | null;
  /** How TLS is spoken; null where it is not, as for all that follow. */
  sslcontext: SSLContext;
  /** The TLS of the connection, to ask it: `alpnProtocol`, `getProtocol()`, … */
  ssl_object: SSLObject;
  /** The other side's certificate; null if it has none. */
  peercert: PeerCertificate | null;
  /** How the connection is encrypted. */
  cipher: CipherNameAndProtocol;
  /** Null: TLS does not compress any more. */
  compression: null;
  /** What the pipe was made of: a file descriptor, an object that has one, or a stream of Node's. */
  pipe: ReadPipe | WritePipe;
  /** Node's object for the process, to ask it. Its pipes belong to the transport, which is also who ends the process. */
  subprocess: ChildProcess;
}

/** What can be sent: the memory of a buffer or of any view of one, or a string, which is sent as UTF-8. */
export type BytesLike = ArrayBufferView | ArrayBufferLike | string;

/** One side of a connection, as the protocol sees it. Python: `asyncio.BaseTransport`. */
export abstract class BaseTransport extends Inspectable implements Disposable {
  /** @internal */
  protected readonly extra: Partial<ExtraInfo>;

  /** @internal */
  constructor(extra: Partial<ExtraInfo> = {}) {
    super();
    this.extra = extra;
  }

  /** A fact about the connection, or `fallback` if it is not known. Python: `get_extra_info`. */
  getExtraInfo<K extends keyof ExtraInfo>(name: K, fallback?: null): ExtraInfo[K] | null;
  getExtraInfo<T>(name: string, fallback: T): unknown;
  getExtraInfo(name: string, fallback?: unknown): unknown;
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    // Not what every object has: `toString` is no fact about the connection.
    return Object.hasOwn(this.extra, name) ? (this.extra[name as keyof ExtraInfo] ?? fallback) : fallback;
  }

  /** Whether the connection is closing or closed. Python: `is_closing`. */
  abstract isClosing(): boolean;

  /** Stop reading, send what is buffered, then end the connection. Python: `close`. */
  abstract close(): void;

  /** Feed another protocol from now on; `connectionMade` is not called. Python: `set_protocol`. */
  abstract setProtocol(protocol: BaseProtocol): void;

  /** The protocol that is fed. Python: `get_protocol`. */
  abstract getProtocol(): BaseProtocol;

  /** As {@link close}, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * A stream of bytes that come in: one side of a pipe. A {@link Transport} is one too, for `instanceof` as well.
 * Python: `asyncio.ReadTransport`.
 */
export abstract class ReadTransport extends BaseTransport {
  /** A class has one parent only, and that of {@link Transport} is WriteTransport. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a class below this one may be asked
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    // biome-ignore lint/complexity/noThisInStatic: the same
    return this === ReadTransport && value instanceof Transport;
  }

  /** Whether bytes are being received: not paused, not closing. Python: `is_reading`. */
  abstract isReading(): boolean;

  /** Receive nothing until {@link resumeReading}; the peer feels it in time. Python: `pause_reading`. */
  abstract pauseReading(): void;

  /** Receive again; nothing if it was not paused, or is closing. Python: `resume_reading`. */
  abstract resumeReading(): void;
}

/** A stream of bytes that go out: the other side of a pipe. Python: `asyncio.WriteTransport`. */
export abstract class WriteTransport extends BaseTransport {
  /**
   * Send `data`: what the kernel takes at once, the rest in the background. Never waits; may call the protocol's
   * `pauseWriting`. Once the connection is lost, data is dropped.
   *
   * Throws TypeError if `data` is no bytes, RuntimeError after {@link writeEof}. Python: `write`.
   */
  abstract write(data: BytesLike): void;

  /** As one {@link write} of all the chunks, with nothing between them. Python: `writelines`. */
  abstract writelines(chunks: Iterable<BytesLike>): void;

  /** End this side once the buffer is sent; the other may go on. Python: `write_eof`. */
  abstract writeEof(): void;

  /** Whether {@link writeEof} is possible. Python: `can_write_eof`. */
  abstract canWriteEof(): boolean;

  /** End the connection now; what is buffered is dropped. Python: `abort`. */
  abstract abort(): void;

  /** How many bytes are waiting to be sent. Python: `get_write_buffer_size`. */
  abstract getWriteBufferSize(): number;

  /** The marks of the write buffer, `[low, high]`, in bytes. Python: `get_write_buffer_limits`. */
  abstract getWriteBufferLimits(): [low: number, high: number];

  /**
   * Set the marks, in bytes: above `high` the protocol's `pauseWriting` is called, at `low` or below its
   * `resumeWriting`. By default `high` is 64 KiB, or four times `low`, and `low` a quarter of `high`.
   *
   * Throws ValueError unless high ≥ low ≥ 0. Python: `set_write_buffer_limits`.
   */
  abstract setWriteBufferLimits(limits?: { high?: number; low?: number }): void;
}

/** A two-way stream of bytes. Python: `asyncio.Transport`. */
export abstract class Transport extends WriteTransport implements ReadTransport {
  /** As {@link ReadTransport.isReading}. Python: `is_reading`. */
  abstract isReading(): boolean;

  /** As {@link ReadTransport.pauseReading}. Python: `pause_reading`. */
  abstract pauseReading(): void;

  /** As {@link ReadTransport.resumeReading}. Python: `resume_reading`. */
  abstract resumeReading(): void;
}

/**
 * An endpoint that sends and receives datagrams: UDP, or unix datagrams. `close()` sends what is buffered first.
 * Python: `asyncio.DatagramTransport`.
 */
export abstract class DatagramTransport extends BaseTransport {
  /**
   * Send one datagram, which can be empty, to `addr`; where the endpoint has a remote address, to that. Never waits:
   * what the kernel does not take at once is buffered, and the protocol's `pauseWriting` may be called. What the system
   * refuses (too long, no route, …) goes to the protocol's `errorReceived`. Once the endpoint is closed, data is dropped.
   *
   * `addr` is `[host, port]` with a literal IP address, or a unix path; "" is this machine, and "<broadcast>" everybody on
   * the local network. A host name is a gaierror, which goes to `errorReceived`: resolve it first.
   *
   * Throws TypeError if `data` is no bytes, or `addr` is missing or no address; ValueError if `addr` is another than the
   * remote address, or its port is out of range. Python: `sendto`.
   */
  abstract sendto(data: BytesLike, addr?: Address | null): void;

  /** Close now; what is buffered is dropped. Python: `abort`. */
  abstract abort(): void;

  /** How many bytes are waiting to be sent, and 8 for each datagram. Python: `get_write_buffer_size`. */
  abstract getWriteBufferSize(): number;

  /** As {@link Transport.getWriteBufferLimits}. Python: `get_write_buffer_limits`. */
  abstract getWriteBufferLimits(): [low: number, high: number];

  /** As {@link Transport.setWriteBufferLimits}. Python: `set_write_buffer_limits`. */
  abstract setWriteBufferLimits(limits?: { high?: number; low?: number }): void;
}

/** The bytes of `data`, not copied. Throws TypeError if it has none. */
export function toBytes(data: BytesLike): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  throw new TypeError(`data must be bytes (a view or a buffer) or a string, not ${inspect(data)}`);
}

/** The marks for what `setWriteBufferLimits` was given. Throws ValueError if they make no sense. */
export function writeBufferLimits(
  { high, low }: { high?: number; low?: number },
  defaultHigh = 64 * 1024,
): [low: number, high: number] {
  for (const mark of [high ?? 0, low ?? 0]) {
    if (typeof mark !== "number") throw new TypeError(`a mark must be a number, not ${inspect(mark)}`);
  }
  const top = high ?? (low == null ? defaultHigh : 4 * low);
  const bottom = low ?? Math.floor(top / 4);
  if (!(top >= bottom && bottom >= 0)) {
    throw new ValueError(`high (${top}) must be >= low (${bottom}) must be >= 0`);
  }
  return [bottom, top];
}
