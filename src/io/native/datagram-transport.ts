import { constants } from "node:os";
import { OSError } from "../../core/errors.ts";
import type { Handle } from "../../core/handles.ts";
import { Deque } from "../../sync/deque.ts";
import type { Address } from "../address.ts";
import { BaseDatagramTransport, HEADER_SIZE } from "../datagram-transport.ts";
import type { DatagramProtocol } from "../protocols.ts";
import { formatAddress } from "./address.ts";
import { AddressCache } from "./address-cache.ts";
import { batchFor, type DatagramBatch } from "./datagram-batch.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";
import type { SelectorEvents } from "./selector-events.ts";
import type { Socket } from "./socket.ts";
import { NativeTransportSocket } from "./trsock.ts";

const { EAGAIN, EINTR } = constants.errno;

/** What the protocol has not been told yet. */
interface Arrival {
  readonly data: Buffer;
  readonly addr: Address | null;
}

/** What the kernel has not taken yet; no name where the socket is connected. */
interface Datagram {
  readonly bytes: Uint8Array;
  readonly name: Uint8Array | null;
  readonly target: Address | null;
}

/**
 * A transport for datagrams on a socket, which belongs to it from now on. What is waiting is received in one
 * system call, up to the size of a batch, and delivered in one iteration. Python: `_SelectorDatagramTransport`.
 */
export class DatagramSocketTransport extends BaseDatagramTransport {
  readonly #libc = libc();
  readonly #events: SelectorEvents;
  readonly #sock: Socket;
  readonly #fd: number;
  readonly #batch: DatagramBatch;
  readonly #addresses = new AddressCache();
  #reader: Handle | null = null;
  #arrivals = new Deque<Arrival>();
  #buffer = new Deque<Datagram>();
  #size = 0;

  constructor(events: SelectorEvents, sock: Socket, protocol: DatagramProtocol, remote: Address | null) {
    super(events.loop, protocol, remote);
    this.#events = events;
    this.#sock = sock;
    this.#fd = sock.fileno();
    this.#batch = batchFor(sock.family);
    this.extra.socket = new NativeTransportSocket(sock);
    this.extra.sockname = sock.getsockname();
    this.extra.peername = peernameOf(sock);
    events.own(sock);
  }

  override getWriteBufferSize(): number {
    return this.#size;
  }

  protected override startReceiving(): void {
    if (!this.closing) this.#reader = this.#events.add("reader", this.#fd, this.#onReadable);
  }

  protected override stopReceiving(): void {
    this.#events.remove("reader", this.#fd);
    this.#arrivals = new Deque();
  }

  readonly #onReadable = (): void => {
    if (this.#arrivals.length === 0) this.#takeArrivals();
    try {
      while (this.#arrivals.length > 0) this.#deliver(this.#arrivals.shift());
    } finally {
      // An error of the protocol's own is reported; the others come in the next iteration.
      if (this.#arrivals.length > 0) this.loop.enqueue(this.#reader!);
    }
  };

  #takeArrivals(): void {
    const batch = this.#batch;
    const count = batch.receive(this.#fd);
    for (let i = 0; i < count; i++) {
      const length = batch.nameLength(i);
      const addr = length === 0 ? null : this.#addresses.decode(batch.name(i), length);
      this.#arrivals.push({ data: batch.data(i), addr });
    }
    if (count < 0 && !wouldWait(count)) this.receiveError(errnoError(-count, "recvmmsg"));
  }

  #deliver({ data, addr }: Arrival): void {
    this.receive(data, addr);
    // The protocol may have closed the socket itself.
    if (this.#sock.fileno() !== this.#fd) this.#arrivals = new Deque();
  }

  protected override send(bytes: Uint8Array, target: Address | null): void {
    const name = this.#encoded(target);
    if (name === undefined) return;
    if (this.#buffer.length === 0) {
      const result = this.#trySend(bytes, name);
      if (!wouldWait(result)) {
        if (result < 0) this.receiveError(sendError(result, target));
        return;
      }
      this.#events.add("writer", this.#fd, this.#onWritable);
    }
    // A copy: the caller may use its memory again.
    this.#buffer.push({ bytes: Uint8Array.from(bytes), name, target });
    this.#size += bytes.byteLength + HEADER_SIZE;
    this.pauseIfAboveHigh();
  }

  /** Undefined where the system has no such address; the protocol is told. */
  #encoded(target: Address | null): Uint8Array | null | undefined {
    if (target === null) return null;
    try {
      return this.#addresses.encode(this.#sock.family, target);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      this.receiveError(error);
      return undefined;
    }
  }

  #trySend(bytes: Uint8Array, name: Uint8Array | null): number {
    if (name === null) return this.#libc.send(this.#fd, bytes, 0, bytes.byteLength);
    return this.#libc.sendto(this.#fd, bytes, 0, name);
  }

  readonly #onWritable = (): void => {
    while (this.#buffer.first !== undefined) {
      const { bytes, name, target } = this.#buffer.first;
      const result = this.#trySend(bytes, name);
      if (wouldWait(result)) break;
      this.#buffer.shift();
      this.#size -= bytes.byteLength + HEADER_SIZE;
      if (result < 0) {
        // The rest in the next iteration: the protocol may do anything now.
        this.receiveError(sendError(result, target));
        return;
      }
    }
    if (this.#buffer.length === 0) this.#events.remove("writer", this.#fd);
    this.sentSome();
  };

  protected override allSent(): boolean {
    return this.#buffer.length === 0;
  }

  protected override dropBuffer(): void {
    this.#buffer = new Deque();
    this.#size = 0;
    this.#events.remove("writer", this.#fd);
  }

  protected override closeSocket(): void {
    this.#events.closeOwned(this.#sock);
  }

  override toString(): string {
    return `<DatagramTransport ${this.stateName} fd=${this.#fd} buffered=${this.#size}>`;
  }
}

function peernameOf(sock: Socket): Address | null {
  try {
    return sock.getpeername();
  } catch {
    return null;
  }
}

function wouldWait(result: number): boolean {
  return result === -EAGAIN || result === -EINTR;
}

function sendError(result: number, target: Address | null): OSError {
  return errnoError(-result, "sendto", target === null ? undefined : formatAddress(target));
}
