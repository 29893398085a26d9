import { constants } from "node:os";
import { inspect } from "node:util";
import type { Address } from "../address.ts";
import * as names from "../socket-constants.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../socket-constants.ts";
import { decodeAddress, SOCKADDR_SIZE } from "./address.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";

const { ECONNRESET, EINTR } = constants.errno;

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const F_GETFD = 1;
const FD_CLOEXEC = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** For socket, socketpair and accept4: no call waits, and no child process inherits the fd. */
export const CREATION_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;

/** The fd of a socket, with what does not change about it. `fd` is -1 once it is closed or given away. */
export interface Descriptor {
  fd: number;
  readonly family: number;
  readonly type: number;
  readonly proto: number;
}

/** Memory for one address that the kernel fills in; decoded before the next call. */
export const sockaddr = new Uint8Array(SOCKADDR_SIZE);
/** The room in `sockaddr` before a call, the length of the address after it. */
export const socklen = new Uint32Array(1);

/** Make a socket; -1 stands for the usual family, type, protocol. Throws OSError. */
export function create(family: number, type: number, proto: number): Descriptor {
  const made = {
    fd: -1,
    family: family < 0 ? AF_INET : family,
    type: type < 0 ? SOCK_STREAM : type & ~CREATION_FLAGS,
    proto: Math.max(proto, 0),
  };
  made.fd = libc().socket(made.family, made.type | CREATION_FLAGS, made.proto);
  if (made.fd < 0) throw errnoError(-made.fd, "socket", `family ${family}, type ${type}, protocol ${proto}`);
  return made;
}

/** Take over an open fd and make it non-blocking; -1 stands for a property to be found out. Throws OSError, TypeError. */
export function adopt(fd: number, family: number, type: number, proto: number): Descriptor {
  if (!Number.isInteger(fd)) throw new TypeError(`a file descriptor is an integer, not ${inspect(fd)}`);
  const found = {
    fd,
    family: family < 0 ? property(fd, SO_DOMAIN) : family,
    type: type < 0 ? property(fd, SO_TYPE) : type & ~CREATION_FLAGS,
    proto: proto < 0 ? property(fd, SO_PROTOCOL) : proto,
  };
  const result = setBlocking(fd, false);
  if (result < 0) throw errnoError(-result, "fcntl", `fd ${fd}`);
  return found;
}

const forgotten = new FinalizationRegistry<Descriptor>((descriptor) => {
  process.emitWarning(`unclosed ${describe(descriptor)}`, "ResourceWarning");
  libc().close(descriptor.fd);
});

/** If `owner` is collected before `release`, close the fd and emit a ResourceWarning. */
export function closeForgotten(owner: object, descriptor: Descriptor): void {
  forgotten.register(owner, descriptor, owner);
}

/** The fd, from now on the caller's to close: its number may be another file soon, which must not be closed by us. */
export function release(owner: object, descriptor: Descriptor): number {
  const { fd } = descriptor;
  descriptor.fd = -1;
  forgotten.unregister(owner);
  return fd;
}

/** Close an fd; nothing for -1. Throws OSError, with code EBADF if somebody else closed it. */
export function close(fd: number): void {
  if (fd < 0) return;
  const errno = -libc().close(fd);
  // Linux has closed the fd even where it reports one of these (as Python: bpo-30319).
  if (errno > 0 && errno !== ECONNRESET && errno !== EINTR) throw errnoError(errno, "close", `fd ${fd}`);
}

/** 1 if calls on the fd wait, 0 if not, or the negative error number. */
export function isBlocking(fd: number): number {
  const flags = libc().fcntl(fd, F_GETFL, 0);
  if (flags < 0) return flags;
  return flags & O_NONBLOCK ? 0 : 1;
}

/** 0 or the negative error number. Costs one system call if there is nothing to change. */
export function setBlocking(fd: number, blocking: boolean): number {
  const flags = libc().fcntl(fd, F_GETFL, 0);
  const wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  return flags < 0 || wanted === flags ? Math.min(flags, 0) : libc().fcntl(fd, F_SETFL, wanted);
}

/** 1 if child processes inherit the fd, 0 if not, or the negative error number. */
export function isInheritable(fd: number): number {
  const flags = libc().fcntl(fd, F_GETFD, 0);
  if (flags < 0) return flags;
  return flags & FD_CLOEXEC ? 0 : 1;
}

/** The address of this or the other side, or the negative error number. */
export function readName(call: "getsockname" | "getpeername", fd: number): Address | number {
  socklen[0] = SOCKADDR_SIZE;
  const result = libc()[call](fd, sockaddr, socklen);
  return result < 0 ? result : decodeAddress(sockaddr, socklen[0]);
}

/** What Python's `repr` says: `<Socket fd=7, family=AF_INET, type=SOCK_STREAM, proto=0, laddr=["127.0.0.1",80]>`. */
export function describe({ fd, family, type, proto }: Descriptor): string {
  const head = fd < 0 ? "<Socket [closed] fd=-1" : `<Socket fd=${fd}`;
  const parts = [
    head,
    `family=${constant("AF_", family)}`,
    `type=${constant("SOCK_", type)}`,
    `proto=${proto}`,
  ];
  if (fd >= 0 && (family === AF_UNIX || family === AF_INET || family === AF_INET6)) {
    const laddr = readName("getsockname", fd);
    const raddr = readName("getpeername", fd);
    if (typeof laddr !== "number" && laddr !== "") parts.push(`laddr=${JSON.stringify(laddr)}`);
    if (typeof raddr !== "number" && raddr !== "") parts.push(`raddr=${JSON.stringify(raddr)}`);
  }
  return `${parts.join(", ")}>`;
}

function property(fd: number, option: number): number {
  const value = new Int32Array(1);
  socklen[0] = value.byteLength;
  const result = libc().getsockopt(fd, SOL_SOCKET, option, value, socklen);
  if (result < 0) throw errnoError(-result, "getsockopt", `fd ${fd}`);
  return value[0]!;
}

function constant(prefix: string, value: number): string {
  const found = Object.entries(names).find(([name, number]) => name.startsWith(prefix) && number === value);
  return found?.[0] ?? String(value);
}
