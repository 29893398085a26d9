import { createRequire } from "node:module";
import { endianness } from "node:os";
import { NotImplementedError, ValueError } from "../../core/errors.ts";
import { MSG_NOSIGNAL } from "../socket-constants.ts";
import type { Koffi, PollHandle } from "./koffi.ts";
import { type Openssl, openssl } from "./openssl.ts";
import { type SpawnCalls, spawnCalls } from "./spawn-calls.ts";

/**
 * The system calls of asyncio-ts. Each returns what the kernel returns, or the NEGATIVE error number; none throws
 * for what the kernel refuses, so that "would block" costs no exception. See {@link errnoError}.
 *
 * Memory is passed without copying: calls are synchronous, so nothing can move or free a buffer meanwhile.
 * Data that would reach beyond its buffer is a ValueError, because the kernel would read or write past the end.
 */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  socketpair(family: number, type: number, protocol: number, pair: Int32Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  /** `length` holds the room in `address`, and afterwards the length of the peer's address. */
  accept4(fd: number, address: Uint8Array, length: Uint32Array, flags: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint32Array): number;
  getpeername(fd: number, address: Uint8Array, length: Uint32Array): number;
  getsockopt(fd: number, level: number, name: number, value: ArrayBufferView, length: Uint32Array): number;
  setsockopt(fd: number, level: number, name: number, value: ArrayBufferView, length: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  /** Have the number `other` mean what `fd` means. */
  fcntl(fd: number, command: number, argument: number): number;
  /** Fills in the reading end and the writing end. */
  pipe2(ends: Int32Array, flags: number): number;
  /** The number of the network interface; 0 if there is none of that name. */
  if_nametoindex(name: string): number;

  recv(fd: number, buffer: Uint8Array, offset: number, length: number, flags?: number): number;
  send(fd: number, data: Uint8Array, offset: number, length: number, flags?: number): number;
  read(fd: number, buffer: Uint8Array, offset: number, length: number): number;
  write(fd: number, data: Uint8Array, offset: number, length: number): number;
  /** Write several buffers, in order, in one call; as with `write`, the count can end inside any of them. */
  writev(fd: number, buffers: readonly Uint8Array[]): number;
  /** Fills in `address` and `addressLength`, as accept4 does. */
  recvfrom(
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint32Array,
  ): number;
  /** Fills in up to `count` of the `struct mmsghdr` in `headers`, and what they point to; gives how many. */
  recvmmsg(fd: number, headers: Uint32Array, count: number, flags: number): number;
  sendto(fd: number, data: Uint8Array, flags: number, address: Uint8Array): number;
  /** Send up to `count` bytes of the file from `offset` on; its position stays where it is. */
  sendfile(fd: number, file: number, offset: number, count: number): number;
  /** Set the position of an open file, in bytes from its start. */
  seek(fd: number, position: number): number;

  epoll_create1(flags: number): number;
  epoll_ctl(epfd: number, operation: number, fd: number, event: Int32Array | null): number;
  epoll_wait(epfd: number, events: Int32Array, capacity: number, milliseconds: number): number;
  /** Let libuv call back, once per turn, while `fd` is readable. The handle must stay referenced. */
  poll(fd: number, callback: () => void): PollHandle;

  /** The calls that start processes; null where not all of them are there. Loads them at the first call. */
  spawning(): SpawnCalls | null;

  /** Node's OpenSSL; null where there is none that will do. Loads its functions at the first call. */
  openssl(): Openssl | null;

  /** Where memory is, for structures that point to it. Whoever has them keeps it alive. */
  address(memory: ArrayBufferView): bigint;
}

type Availability = { available: true } | { available: false; reason: string };

let loaded: Libc | string | undefined;

/** Whether this process can use native I/O, and if not, why. Loads it at the first call. */
export function nativeAvailable(): Availability {
  loaded ??= unsupported() ?? load();
  return typeof loaded === "string" ? { available: false, reason: loaded } : { available: true };
}

/** The system calls of this thread. Throws NotImplementedError, with the reason, where there is no native I/O. */
export function libc(): Libc {
  if (typeof loaded === "object") return loaded;
  const native = nativeAvailable();
  if (!native.available) throw new NotImplementedError(`native I/O is not available: ${native.reason}`);
  return loaded as unknown as Libc;
}

function unsupported(): string | undefined {
  if (process.platform !== "linux") return `it needs Linux, and this is ${process.platform}`;
  if (process.arch !== "x64" && process.arch !== "arm64") return `it is not ported to ${process.arch}`;
  if (endianness() !== "LE") return "it is not ported to big-endian machines";
  // They load koffi, but have no libuv that could watch an fd.
  if ("bun" in process.versions || "deno" in process.versions) return "it needs Node.js";
  return undefined;
}

function load(): Libc | string {
  try {
    const require = createRequire(import.meta.url);
    return bindings(require("koffi") as Koffi);
  } catch (error) {
    return `koffi does not load (${error instanceof Error ? error.message : error})`;
  }
}

function bindings(koffi: Koffi): Libc {
  // The process itself instead of "libc.so.6": Node is linked to its C library, be it glibc or musl.
  const library = koffi.load(null);
  const raw = (definition: string) => library.func(definition);
  const result = (value: number) => (value < 0 ? -koffi.errno() : value);
  const call = (definition: string) => {
    const native = raw(definition);
    return (...args: (number | string | ArrayBufferView | null)[]) => result(native(...args));
  };
  const recv = raw("intptr_t recv(int, void *, size_t, int)");
  const send = raw("intptr_t send(int, const void *, size_t, int)");
  const read = raw("intptr_t read(int, void *, size_t)");
  const write = raw("intptr_t write(int, const void *, size_t)");
  const writev = raw("intptr_t writev(int, const void *, int)");
  const recvfrom = raw("intptr_t recvfrom(int, void *, size_t, int, void *, void *)");
  const recvmmsg = raw("int recvmmsg(int, void *, unsigned int, int, void *)");
  const sendto = raw("intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)");
  const sendfile = raw("intptr_t sendfile(int, int, void *, size_t)");
  const lseek = raw("int64_t lseek(int, int64_t, int)");
  const epollWait = raw("int epoll_wait(int, void *, int, int)");
  let spawning: SpawnCalls | null | undefined;
  let tls: Openssl | null | undefined;

  return {
    socket: call("int socket(int, int, int)"),
    socketpair: call("int socketpair(int, int, int, void *)"),
    bind: call("int bind(int, const void *, uint32_t)"),
    listen: call("int listen(int, int)"),
    accept4: call("int accept4(int, void *, void *, int)"),
    connect: call("int connect(int, const void *, uint32_t)"),
    getsockname: call("int getsockname(int, void *, void *)"),
    getpeername: call("int getpeername(int, void *, void *)"),
    getsockopt: call("int getsockopt(int, int, int, void *, void *)"),
    setsockopt: call("int setsockopt(int, int, int, const void *, uint32_t)"),
    shutdown: call("int shutdown(int, int)"),
    close: call("int close(int)"),
    // Variadic in C; on Linux x86_64 and arm64 an int goes into the same register either way.
    fcntl: call("int fcntl(int, int, int)"),
    pipe2: call("int pipe2(void *, int)"),
    if_nametoindex: call("unsigned int if_nametoindex(const char *)"),

    recv: (fd, buffer, offset, length, flags = 0) =>
      result(recv(fd, at(buffer, offset, length), length, flags)),
    send: (fd, data, offset, length, flags = 0) =>
      result(send(fd, at(data, offset, length), length, flags | MSG_NOSIGNAL)),
    read: (fd, buffer, offset, length) => result(read(fd, at(buffer, offset, length), length)),
    write: (fd, data, offset, length) => result(write(fd, at(data, offset, length), length)),
    writev: (fd, buffers) => {
      const size = intoScratch(buffers);
      if (size >= 0) return result(write(fd, scratch, size));
      const count = Math.min(buffers.length, IOV_MAX);
      for (let i = 0; i < count; i++) {
        iovec[2 * i] = koffi.address(buffers[i]!);
        iovec[2 * i + 1] = BigInt(buffers[i]!.byteLength);
      }
      return result(writev(fd, iovec, count));
    },
    recvfrom: (fd, buffer, length, flags, address, addressLength) =>
      result(recvfrom(fd, at(buffer, 0, length), length, flags, address, addressLength)),
    recvmmsg: (fd, headers, count, flags) => result(recvmmsg(fd, headers, count, flags, null)),
    sendto: (fd, data, flags, address) =>
      result(sendto(fd, data, data.byteLength, flags | MSG_NOSIGNAL, address, address.byteLength)),

    sendfile: (fd, file, offset, count) => {
      position[0] = BigInt(offset);
      return result(sendfile(fd, file, position, count));
    },
    seek: (fd, position) => result(lseek(fd, position, SEEK_SET)),

    epoll_create1: call("int epoll_create1(int)"),
    epoll_ctl: call("int epoll_ctl(int, int, int, void *)"),
    epoll_wait: (epfd, events, capacity, milliseconds) =>
      result(epollWait(epfd, events, capacity, milliseconds)),
    poll: (fd, callback) => koffi.node.poll(fd, callback),

    spawning: () => {
      if (spawning === undefined) spawning = spawnCalls(koffi);
      return spawning;
    },

    openssl: () => {
      if (tls === undefined) tls = openssl(koffi);
      return tls;
    },

    address: (memory) => koffi.address(memory),
  };
}

/** The memory from `offset` on. A view costs 30 ns of a call's 250 or more (a subarray 50); the whole buffer none. */
function at(buffer: Uint8Array, offset: number, length: number): Uint8Array {
  if (!(offset >= 0 && length >= 0 && offset + length <= buffer.byteLength)) {
    throw new ValueError(
      `${length} bytes at ${offset} are not inside a buffer of ${buffer.byteLength} bytes`,
    );
  }
  return offset === 0 ? buffer : new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
}

/** Where sendfile is to begin, as an `off_t`. */
const position = new BigInt64Array(1);
const SEEK_SET = 0;

/** Linux takes at most this many buffers in one writev (UIO_MAXIOV). */
const IOV_MAX = 1024;
const iovec = new BigUint64Array(2 * IOV_MAX);

/**
 * Up to this average size it is cheaper to copy buffers together than to look up the address of each. Measured on
 * 50 × 20 B: 3.0 µs against 9.3; 50 × 1000 B: 9.9 against 14.4; 3 × 20,000 B: 11.0 against 9.4.
 */
const COPY_BELOW = 4096;
const scratch = new Uint8Array(64 * 1024);

/** Copies small buffers into `scratch` and gives their size; -1 if they are better written from where they are. */
function intoScratch(buffers: readonly Uint8Array[]): number {
  let size = 0;
  for (const buffer of buffers) size += buffer.byteLength;
  if (size > scratch.length || size > buffers.length * COPY_BELOW) return -1;
  let offset = 0;
  for (const buffer of buffers) {
    scratch.set(buffer, offset);
    offset += buffer.byteLength;
  }
  return size;
}
