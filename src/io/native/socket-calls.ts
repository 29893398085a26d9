import { inspect } from "node:util";
import { Coroutine } from "../../core/coroutines.ts";
import { SendfileNotAvailableError, ValueError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import type { Waiting } from "../backend.ts";
import { resolve } from "../names.ts";
import type { FileLike } from "../open-file.ts";
import { checkedPart, type FilePart, type SendfileOptions, sendBlocks } from "../sendfile.ts";
import type { SocketCalls } from "../socket-calls.ts";
import { AF_INET, AF_INET6, SOCK_STREAM } from "../socket-constants.ts";
import { type BytesLike, toBytes } from "../transports.ts";
import { encodeAddress } from "./address.ts";
import {
  tryAccept,
  tryRecv,
  tryRecvfrom,
  tryRecvfromInto,
  tryRecvInto,
  trySend,
  trySendto,
} from "./attempts.ts";
import { connect } from "./connecting.ts";
import { Readiness } from "./readiness.ts";
import type { Direction, SelectorEvents } from "./selector-events.ts";
import { seek, sendfile } from "./sendfile.ts";
import { Socket } from "./socket.ts";

/**
 * What a task does with a socket of its own. Each call is tried at once; where it would have to wait, the task waits
 * until the socket is ready, and then makes the call itself. So whoever is cancelled has not taken anything yet.
 */
export class NativeSocketCalls implements SocketCalls {
  readonly #events: SelectorEvents;
  readonly #readiness: Readiness;

  constructor(events: SelectorEvents) {
    this.#events = events;
    this.#readiness = new Readiness(events);
  }

  recv(sock: Socket, size: number): Coroutine<Buffer> {
    assertSize(size);
    return this.#call("sockRecv", "reader", sock, () => tryRecv(sock, size));
  }

  recvInto(sock: Socket, buffer: ArrayBufferView | ArrayBuffer): Coroutine<number> {
    const memory = roomOf(buffer, 0);
    return this.#call("sockRecvInto", "reader", sock, () => tryRecvInto(sock, memory));
  }

  recvfrom(sock: Socket, size: number): Coroutine<[Buffer, Address | null]> {
    assertSize(size);
    return this.#call("sockRecvfrom", "reader", sock, () => tryRecvfrom(sock, size));
  }

  recvfromInto(
    sock: Socket,
    buffer: ArrayBufferView | ArrayBuffer,
    nbytes: number,
  ): Coroutine<[number, Address | null]> {
    assertSize(nbytes);
    const memory = roomOf(buffer, nbytes);
    const size = nbytes === 0 ? memory.byteLength : nbytes;
    return this.#call("sockRecvfromInto", "reader", sock, () => tryRecvfromInto(sock, memory, size));
  }

  sendall(sock: Socket, data: BytesLike): Coroutine<void> {
    const bytes = toBytes(data);
    this.#assertForData(sock);
    return new Coroutine(() => this.#sendall(sock, bytes, ignore), "sockSendall");
  }

  sendto(sock: Socket, data: BytesLike, address: Address): Coroutine<number> {
    const bytes = toBytes(data);
    this.#assertForData(sock);
    const name = encodeAddress(sock.family, address);
    return new Coroutine(() => this.#retry("writer", sock, () => trySendto(sock, bytes, name)), "sockSendto");
  }

  connect(sock: Socket, address: Address): Coroutine<void> {
    this.#assertUsable(sock);
    assertAddress(sock.family, address);
    return new Coroutine(() => this.#connect(sock, address), "sockConnect");
  }

  accept(sock: Socket): Coroutine<[Socket, Address]> {
    this.#assertUsable(sock);
    return new Coroutine(() => this.#retry("reader", sock, () => tryAccept(sock)), "sockAccept");
  }

  sendfile(
    sock: Socket,
    file: FileLike,
    { fallback = true, ...options }: SendfileOptions,
  ): Coroutine<number> {
    this.#assertUsable(sock);
    if (sock.type !== SOCK_STREAM)
      throw new ValueError(`a socket of type SOCK_STREAM was expected, not ${sock}`);
    const part = checkedPart(file, options);
    return new Coroutine(() => this.#sendfile(sock, part, fallback), "sockSendfile");
  }

  #call<T>(name: string, direction: Direction, sock: Socket, attempt: () => T | null): Coroutine<T> {
    this.#assertForData(sock);
    return new Coroutine(() => this.#retry(direction, sock, attempt), name);
  }

  *#retry<T>(direction: Direction, sock: Socket, attempt: () => T | null): Waiting<T> {
    for (;;) {
      const result = attempt();
      if (result !== null) return result;
      yield* this.#ready(direction, sock);
    }
  }

  *#sendall(sock: Socket, bytes: Uint8Array, sent: (count: number) => void): Waiting<void> {
    for (let start = 0; ; ) {
      const count = trySend(sock, bytes, start);
      if (count !== null) {
        start += count;
        sent(count);
        if (start === bytes.byteLength) return;
      }
      yield* this.#ready("writer", sock);
    }
  }

  *#connect(sock: Socket, address: Address): Waiting<void> {
    const resolved = yield* resolveAddress(sock.family, address);
    this.#events.userFd(sock);
    yield* connect(this.#events, sock, resolved);
  }

  *#sendfile(sock: Socket, part: FilePart, fallback: boolean): Waiting<number> {
    const out = { fileno: () => sock.fileno(), writable: () => this.#ready("writer", sock) };
    try {
      return yield* sendfile(out, part);
    } catch (error) {
      if (!fallback || !(error instanceof SendfileNotAvailableError)) throw error;
    }
    return yield* sendBlocks({ seek }, part, (block, sent) => this.#sendall(sock, block, sent));
  }

  /** A transport may have come to own the socket since the call. */
  #ready(direction: Direction, sock: Socket): Waiting<void> {
    return this.#readiness.wait(direction, this.#events.userFd(sock));
  }

  #assertUsable(sock: Socket): void {
    assertSocket(sock);
    if (sock.getblocking()) {
      throw new ValueError("the socket must be non-blocking: one that blocks would stop the whole loop");
    }
    this.#events.userFd(sock);
  }

  /** As the above, for calls that never wait themselves: the kernel need not be asked, which takes as long as a read. */
  #assertForData(sock: Socket): void {
    assertSocket(sock);
    if (sock.toldToWait || sock.fileno() < 0) this.#assertUsable(sock);
    else this.#events.userFd(sock);
  }
}

function assertSocket(sock: unknown): void {
  if (!(sock instanceof Socket)) throw new TypeError(`a Socket was expected, not ${inspect(sock)}`);
}

function ignore(): void {}

function assertSize(size: unknown): void {
  if (!Number.isSafeInteger(size))
    throw new TypeError(`a number of bytes was expected, not ${inspect(size)}`);
  if ((size as number) < 0) throw new ValueError(`the size of a read cannot be ${size}`);
}

/** The memory of `buffer`, for `nbytes` or more. */
function roomOf(buffer: ArrayBufferView | ArrayBuffer, nbytes: number): Uint8Array {
  const memory = memoryOf(buffer);
  if (nbytes <= memory.byteLength) return memory;
  throw new ValueError(`${nbytes} bytes do not fit into a buffer of ${memory.byteLength}`);
}

function memoryOf(buffer: ArrayBufferView | ArrayBuffer): Uint8Array {
  if (buffer instanceof Uint8Array) return buffer;
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  if (ArrayBuffer.isView(buffer)) return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  throw new TypeError(`a Uint8Array, or another kind of buffer, was expected, not ${inspect(buffer)}`);
}

/** Everything but the name of the host, which is looked up later. */
function assertAddress(family: number, address: Address): void {
  if (!isInternet(family) || !Array.isArray(address) || typeof address[0] !== "string") {
    encodeAddress(family, address);
    return;
  }
  const [, ...rest] = address;
  encodeAddress(family, ["", ...rest] as unknown as Address);
}

/** The address with its host looked up: the first of those that the name stands for, as in CPython. */
function* resolveAddress(family: number, address: Address): Waiting<Address> {
  if (!isInternet(family) || address[0] === "") return address;
  const [host, ...rest] = address as readonly [string, number];
  const [first] = yield* resolve(host, family);
  return [first!.address, ...rest];
}

function isInternet(family: number): boolean {
  return family === AF_INET || family === AF_INET6;
}
