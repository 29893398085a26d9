import { ValueError } from "../core/errors.ts";
import type { Address } from "./address.ts";
import type { Socket } from "./native/socket.ts";

/**
 * What can be asked of a transport's socket, and set, without getting in the transport's way. Python:
 * `asyncio.trsock.TransportSocket`.
 *
 * On the portable backend Node does not show the socket: there the addresses are known, and that calls never wait; the
 * rest throws NotImplementedError.
 */
export interface TransportSocket {
  /** The address family: AF_INET, AF_INET6, AF_UNIX. */
  readonly family: number;
  /** SOCK_STREAM or SOCK_DGRAM. */
  readonly type: number;
  /** The protocol number. */
  readonly proto: number;
  /** The file descriptor; -1 once closed. */
  fileno(): number;
  /** This side's address. Throws OSError (EBADF) once closed. */
  getsockname(): Address;
  /** The other side's address. Throws OSError: ENOTCONN if there is none, EBADF once closed. */
  getpeername(): Address;
  /** The value of a socket option. Throws OSError. */
  getsockopt(level: number, name: number): number;
  /** Set a socket option. Throws OSError. */
  setsockopt(level: number, name: number, value: number | Uint8Array): void;
  /** End one direction or both. Throws OSError. */
  shutdown(how: number): void;
  /** A socket of your own for the same connection, to be closed by you. Throws OSError. */
  dup(): Socket;
  /** Whether child processes inherit the descriptor. Throws OSError. */
  getInheritable(): boolean;
  /** Does nothing: a transport's socket never waits. Throws ValueError for anything but 0. */
  settimeout(seconds: number | null): void;
  /** Always 0. */
  gettimeout(): number;
  /** Does nothing: a transport's socket never waits. Throws ValueError for `true`. */
  setblocking(blocking: boolean): void;
}

/** The work of `settimeout` on a transport's socket. */
export function refuseTimeout(seconds: number | null): void {
  if (seconds !== 0)
    throw new ValueError(`a transport's socket can have no other timeout than 0, not ${seconds}`);
}

/** The work of `setblocking` on a transport's socket. */
export function refuseBlocking(blocking: boolean): void {
  if (blocking) throw new ValueError("a transport's socket cannot be made blocking");
}
