import type { Address } from "./address.ts";

/**
 * What can be asked of a transport's socket, and set, without getting in the transport's way. Python:
 * `asyncio.trsock.TransportSocket`.
 *
 * On the portable backend Node does not show the socket: there the addresses are known, and the rest throws
 * NotImplementedError.
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
}
