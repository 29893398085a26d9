import { constants } from "node:os";
import { NotImplementedError, type OSError, ValueError } from "../../core/errors.ts";
import { Inspectable } from "../../core/inspectable.ts";
import type { Address } from "../address.ts";
import { AF_UNIX, SOCK_STREAM } from "../socket-constants.ts";
import { decodeAddress, encodeAddress, formatAddress, SOCKADDR_SIZE } from "./address.ts";
import * as descriptors from "./descriptor.ts";
import { CREATION_FLAGS, type Descriptor, sockaddr, socklen } from "./descriptor.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";

const { EBADF } = constants.errno;

const F_DUPFD_CLOEXEC = 1030;

/** The longest option value that `getsockopt` reads, as in Python. */
const OPTION_MAX = 1024;

/** Reads of up to this size go through one buffer, so that a small answer does not keep a large buffer alive. */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * A socket of the operating system. Python: `socket.socket`, non-blocking.
 *
 * Every method that the kernel refuses throws OSError, of the class that Python raises: BlockingIOError if it would
 * have to wait, EBADF after `close`. Sockets are closed on exec. One that is collected unclosed is closed with a
 * ResourceWarning; one that is open when a worker thread ends stays open until the process ends.
 */
export class Socket extends Inspectable implements Disposable {
  readonly #descriptor: Descriptor;
  #toldToWait = false;

  /**
   * A new socket: IPv4 and a stream by default. Or one for an open fd, `fileno`: it takes the fd over, makes it
   * non-blocking, and finds out family, type and protocol where they are not given (-1).
   *
   * Throws OSError: EAFNOSUPPORT, EPROTONOSUPPORT, EMFILE; for `fileno` EBADF and ENOTSOCK, and then the fd is left
   * to the caller.
   */
  constructor(family = -1, type = -1, proto = -1, { fileno }: { fileno?: number } = {}) {
    super();
    this.#descriptor =
      fileno === undefined
        ? descriptors.create(family, type, proto)
        : descriptors.adopt(fileno, family, type, proto);
    descriptors.closeForgotten(this, this.#descriptor);
  }

  /** @internal Whether the fd is its own, so that it is closed when a thread is ended that has it for a transport. */
  get exclusive(): boolean {
    return true;
  }

  /** The address family: AF_INET, AF_INET6, AF_UNIX. */
  get family(): number {
    return this.#descriptor.family;
  }

  /** SOCK_STREAM, SOCK_DGRAM, … */
  get type(): number {
    return this.#descriptor.type;
  }

  /** The protocol number; 0 is the usual one of the type. */
  get proto(): number {
    return this.#descriptor.proto;
  }

  /** The file descriptor; -1 after `close` and `detach`. */
  fileno(): number {
    return this.#descriptor.fd;
  }

  /** Give the socket its own address. EADDRINUSE, EADDRNOTAVAIL; the error names the address. */
  bind(address: Address): void {
    const name = encodeAddress(this.family, address);
    this.#check(libc().bind(this.fileno(), name, name.length), "bind", address);
  }

  /** Take connections; up to `backlog` of them wait for `accept`. */
  listen(backlog = 128): void {
    this.#check(libc().listen(this.fileno(), Math.max(backlog, 0)), "listen");
  }

  /** The next waiting connection, non-blocking, and the peer's address. BlockingIOError if none waits. */
  accept(): [Socket, Address] {
    socklen[0] = SOCKADDR_SIZE;
    const fd = this.#check(libc().accept4(this.fileno(), sockaddr, socklen, CREATION_FLAGS), "accept");
    return [
      new Socket(this.family, this.type, this.proto, { fileno: fd }),
      decodeAddress(sockaddr, socklen[0]),
    ];
  }

  /** Connect. BlockingIOError (EINPROGRESS) means: on its way; once writable, SO_ERROR tells how it went. */
  connect(address: Address): void {
    const errno = this.connectEx(address);
    if (errno !== 0) throw this.#error(errno, "connect", address);
  }

  /** As `connect`, but gives 0 or the error number. Still throws for an address that makes no sense. */
  connectEx(address: Address): number {
    const name = encodeAddress(this.family, address);
    return Math.abs(libc().connect(this.fileno(), name, name.length));
  }

  /** Up to `size` bytes; an empty Buffer at the end of the stream. BlockingIOError if there is nothing yet. */
  recv(size: number, flags = 0): Buffer {
    // The kernel would wait, though it has to give nothing.
    if (size === 0) return Buffer.alloc(0);
    const buffer = room(size);
    return taken(buffer, this.#check(libc().recv(this.fileno(), buffer, 0, size, flags), "recv"), size);
  }

  /** Read into `buffer`, up to `nbytes` (0: as many as fit); the number of bytes, 0 at the end of the stream. */
  recvInto(buffer: Uint8Array, nbytes = 0, flags = 0): number {
    const length = nbytes === 0 ? buffer.byteLength : nbytes;
    if (length === 0) return 0;
    return this.#check(libc().recv(this.fileno(), buffer, 0, length, flags), "recv");
  }

  /** One datagram, cut to `size` bytes, and its sender: null if the sender has no address. */
  recvfrom(size: number, flags = 0): [Buffer, Address | null] {
    const buffer = room(size);
    const [count, address] = this.recvfromInto(buffer, size, flags);
    return [taken(buffer, count, size), address];
  }

  /** As `recvfrom`, into `buffer`: the number of bytes and the sender. */
  recvfromInto(buffer: Uint8Array, nbytes = 0, flags = 0): [number, Address | null] {
    const length = nbytes === 0 ? buffer.byteLength : nbytes;
    socklen[0] = SOCKADDR_SIZE;
    const count = libc().recvfrom(this.fileno(), buffer, length, flags, sockaddr, socklen);
    this.#check(count, "recvfrom");
    return [count, socklen[0] === 0 ? null : decodeAddress(sockaddr, socklen[0])];
  }

  /** Send what the kernel takes now, and give the number of bytes: often fewer than `data` has. A string is UTF-8. */
  send(data: Uint8Array | string, flags = 0): number {
    const bytes = bytesOf(data);
    return this.#check(libc().send(this.fileno(), bytes, 0, bytes.byteLength, flags), "send");
  }

  /** Send one datagram to `address`; the number of bytes. */
  sendto(data: Uint8Array | string, address: Address, flags = 0): number {
    const name = encodeAddress(this.family, address);
    return this.#check(libc().sendto(this.fileno(), bytesOf(data), flags, name), "sendto", address);
  }

  /** The socket's own address; after binding to port 0, with the port that the kernel chose. */
  getsockname(): Address {
    return this.#name("getsockname");
  }

  /** The address of the other side. ENOTCONN if there is none. */
  getpeername(): Address {
    return this.#name("getpeername");
  }

  /** The value of an option: an int, or with `buflen` (1 to 1024 bytes) its memory. ENOPROTOOPT if there is no such option. */
  getsockopt(level: number, name: number): number;
  getsockopt(level: number, name: number, buflen: number): Buffer;
  getsockopt(level: number, name: number, buflen = 0): number | Buffer {
    if (!(buflen >= 0 && buflen <= OPTION_MAX))
      throw new ValueError(`buflen must be 0 to 1024, not ${buflen}`);
    const value = buflen === 0 ? new Int32Array(1) : Buffer.alloc(buflen);
    socklen[0] = value.byteLength;
    const result = libc().getsockopt(this.fileno(), level, name, value, socklen);
    this.#check(result, "getsockopt", `level ${level}, option ${name}`);
    return value instanceof Int32Array ? value[0]! : value.subarray(0, socklen[0]);
  }

  /** Set an option to an int, or to the bytes of a C struct. ENOPROTOOPT if there is no such option. */
  setsockopt(level: number, name: number, value: number | Uint8Array): void {
    const bytes = typeof value === "number" ? Int32Array.of(value) : value;
    const result = libc().setsockopt(this.fileno(), level, name, bytes, bytes.byteLength);
    this.#check(result, "setsockopt", `level ${level}, option ${name}`);
  }

  /** End one direction or both: SHUT_RD, SHUT_WR, SHUT_RDWR. The fd stays open. ENOTCONN without a connection. */
  shutdown(how: number): void {
    this.#check(libc().shutdown(this.fileno(), how), "shutdown");
  }

  /** `true` makes every call wait in the kernel, and with it the whole thread: no timer and no other task runs. */
  setblocking(blocking: boolean): void {
    this.#check(descriptors.setBlocking(this.fileno(), blocking), "fcntl");
    if (blocking) this.#toldToWait = true;
  }

  /** @internal Whether it was ever told that its calls wait. As in Python, where a socket knows no more of that. */
  get toldToWait(): boolean {
    return this.#toldToWait;
  }

  /** Whether calls wait. Asks the kernel: all copies of an fd share this flag. */
  getblocking(): boolean {
    return this.#check(descriptors.isBlocking(this.fileno()), "fcntl") === 1;
  }

  /** 0 if calls never wait, null if they wait without end. */
  gettimeout(): number | null {
    return this.getblocking() ? null : 0;
  }

  /** As `setblocking`: 0 or null. NotImplementedError for seconds, which would stop the thread: use `timeout`. */
  settimeout(seconds: number | null): void {
    if (seconds !== null && seconds !== 0) {
      throw new NotImplementedError(
        "a socket cannot wait with a timeout; use timeout(seconds, …) around loop.sock*",
      );
    }
    this.setblocking(seconds === null);
  }

  /** Whether child processes inherit the fd; they do not, unless somebody else has changed that. */
  getInheritable(): boolean {
    return this.#check(descriptors.isInheritable(this.fileno()), "fcntl") === 1;
  }

  /** A second socket for the same connection, with an fd of its own. */
  dup(): Socket {
    const fd = this.#check(libc().fcntl(this.fileno(), F_DUPFD_CLOEXEC, 0), "fcntl");
    return new Socket(this.family, this.type, this.proto, { fileno: fd });
  }

  /** Give the open fd away: the caller must close it. -1 if the socket is closed. */
  detach(): number {
    return descriptors.release(this, this.#descriptor);
  }

  /** Close the fd. Closing twice is harmless. EBADF means that somebody else closed it. */
  close(): void {
    descriptors.close(this.detach());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** `<Socket fd=7, family=AF_INET, type=SOCK_STREAM, proto=0, laddr=["127.0.0.1",80]>` */
  override toString(): string {
    return descriptors.describe(this.#descriptor);
  }

  #name(call: "getsockname" | "getpeername"): Address {
    const name = descriptors.readName(call, this.fileno());
    if (typeof name === "number") throw this.#error(-name, call);
    return name;
  }

  #check(result: number, syscall: string, subject?: Address): number {
    if (result < 0) throw this.#error(-result, syscall, subject);
    return result;
  }

  #error(errno: number, syscall: string, subject?: Address): OSError {
    if (this.fileno() < 0) return errnoError(EBADF, syscall, "on a closed socket");
    return errnoError(errno, syscall, subject === undefined ? undefined : formatAddress(subject));
  }
}

/** Two sockets connected to each other. Python: `socket.socketpair`. */
export function socketpair(family = AF_UNIX, type = SOCK_STREAM, proto = 0): [Socket, Socket] {
  const fds = new Int32Array(2);
  const result = libc().socketpair(family, type | CREATION_FLAGS, proto, fds);
  if (result < 0) throw errnoError(-result, "socketpair");
  const [left, right] = fds as unknown as [number, number];
  return [
    new Socket(family, type, proto, { fileno: left }),
    new Socket(family, type, proto, { fileno: right }),
  ];
}

/** Memory for a read of `size` bytes; for a short one it is shared, and serves until the next read only. */
export function room(size: number): Buffer {
  if (size >= 0) return size <= shared.length ? shared : Buffer.allocUnsafeSlow(size);
  throw new ValueError(`the size of a read cannot be ${size}`);
}

/** What was read, to keep. `count` can be more than `size`: MSG_TRUNC gives the length that a cut datagram had. */
export function taken(buffer: Buffer, count: number, size: number): Buffer {
  const bytes = buffer.subarray(0, Math.min(count, size));
  return buffer === shared || bytes.length * 2 < size ? Buffer.from(bytes) : bytes;
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`data must be a Uint8Array or a string, not ${typeof data}`);
}
