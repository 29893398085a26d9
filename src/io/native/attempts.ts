import { constants } from "node:os";
import type { Address } from "../address.ts";
import { decodeAddress, SOCKADDR_SIZE } from "./address.ts";
import { CREATION_FLAGS, sockaddr, socklen } from "./descriptor.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";
import { room, Socket, taken } from "./socket.ts";

const { EAGAIN, EINTR } = constants.errno;

/** A copy of the descriptor, maybe another process's, can have been told to wait, and that goes for all copies. */
const MSG_DONTWAIT = 0x40;

/*
 * The methods of a Socket, giving null where the socket would have to wait: a task that waits is the usual case, and an
 * exception would cost more than all the rest of the call.
 */

export function tryRecv(sock: Socket, size: number): Buffer | null {
  // The kernel would wait, though it has to give nothing.
  if (size === 0) return Buffer.alloc(0);
  const buffer = room(size);
  const count = unlessBlocked("recv", libc().recv(sock.fileno(), buffer, 0, size, MSG_DONTWAIT));
  return count === null ? null : taken(buffer, count, size);
}

export function tryRecvInto(sock: Socket, buffer: Uint8Array): number | null {
  if (buffer.byteLength === 0) return 0;
  return unlessBlocked("recv", libc().recv(sock.fileno(), buffer, 0, buffer.byteLength, MSG_DONTWAIT));
}

export function tryRecvfrom(sock: Socket, size: number): [Buffer, Address | null] | null {
  const buffer = room(size);
  const found = tryRecvfromInto(sock, buffer, size);
  return found === null ? null : [taken(buffer, found[0], size), found[1]];
}

export function tryRecvfromInto(
  sock: Socket,
  buffer: Uint8Array,
  size: number,
): [number, Address | null] | null {
  socklen[0] = SOCKADDR_SIZE;
  const count = unlessBlocked(
    "recvfrom",
    libc().recvfrom(sock.fileno(), buffer, size, MSG_DONTWAIT, sockaddr, socklen),
  );
  return count === null ? null : [count, socklen[0] === 0 ? null : decodeAddress(sockaddr, socklen[0])];
}

/** Send what there is from `start` on. */
export function trySend(sock: Socket, bytes: Uint8Array, start: number): number | null {
  return unlessBlocked(
    "send",
    libc().send(sock.fileno(), bytes, start, bytes.byteLength - start, MSG_DONTWAIT),
  );
}

/** `name` is the address as the kernel wants it. */
export function trySendto(sock: Socket, bytes: Uint8Array, name: Uint8Array): number | null {
  return unlessBlocked("sendto", libc().sendto(sock.fileno(), bytes, MSG_DONTWAIT, name));
}

export function tryAccept(sock: Socket): [Socket, Address] | null {
  socklen[0] = SOCKADDR_SIZE;
  const fd = unlessBlocked("accept", libc().accept4(sock.fileno(), sockaddr, socklen, CREATION_FLAGS));
  if (fd === null) return null;
  const { family, type, proto } = sock;
  return [new Socket(family, type, proto, { fileno: fd }), decodeAddress(sockaddr, socklen[0])];
}

function unlessBlocked(syscall: string, result: number): number | null {
  if (result >= 0) return result;
  if (result === -EAGAIN || result === -EINTR) return null;
  throw errnoError(-result, syscall);
}
