import { constants } from "node:os";
import { inspect } from "node:util";
import { NotImplementedError, type OSError, osError } from "../../core/errors.ts";
import { Inspectable } from "../../core/inspectable.ts";
import type { Address } from "../address.ts";
import { AF_UNIX, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM } from "../socket-constants.ts";
import { refuseBlocking, refuseTimeout, type TransportSocket } from "../trsock.ts";
import { familyOf } from "./addresses.ts";

/** The view of a socket that Node does not show: its addresses, and nothing else. */
export class PortableTransportSocket extends Inspectable implements TransportSocket {
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  readonly #sockname: Address;
  readonly #peername: Address | null;
  #closed = false;

  constructor(sockname: Address, peername: Address | null, type = SOCK_STREAM) {
    super();
    this.#sockname = sockname;
    this.#peername = peername;
    this.type = type;
    this.family = familyOf(sockname);
    this.proto = protocolOf(this.family, type);
  }

  /** The socket is closed: it has no address any more. */
  markClosed(): void {
    this.#closed = true;
  }

  fileno(): number {
    if (this.#closed) return -1;
    throw hidden("fileno()", "keep the descriptor that you made the socket from");
  }

  getsockname(): Address {
    if (this.#closed) throw systemError("EBADF", "getsockname", "Bad file descriptor");
    return this.#sockname;
  }

  getpeername(): Address {
    if (this.#closed) throw systemError("EBADF", "getpeername", "Bad file descriptor");
    if (this.#peername !== null) return this.#peername;
    throw systemError("ENOTCONN", "getpeername", "Transport endpoint is not connected");
  }

  getsockopt(_level: number, _name: number): never {
    throw hidden("getsockopt()");
  }

  setsockopt(_level: number, _name: number, _value: number | Uint8Array): never {
    throw hidden("setsockopt()");
  }

  shutdown(_how: number): never {
    throw hidden("shutdown()", "end the writing side with transport.writeEof()");
  }

  dup(): never {
    throw hidden("dup()");
  }

  getInheritable(): never {
    throw hidden("getInheritable()");
  }

  settimeout(seconds: number | null): void {
    refuseTimeout(seconds);
  }

  gettimeout(): number {
    return 0;
  }

  setblocking(blocking: boolean): void {
    refuseBlocking(blocking);
  }

  override toString(): string {
    const peer = this.#peername === null ? "" : ` peername=${inspect(this.#peername)}`;
    return `<TransportSocket ${this.#closed ? "closed " : ""}sockname=${inspect(this.#sockname)}${peer}>`;
  }
}

function protocolOf(family: number, type: number): number {
  if (family === AF_UNIX) return 0;
  return type === SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
}

function hidden(method: string, alternative?: string): NotImplementedError {
  const native = "use the native backend (Linux, with koffi installed)";
  return new NotImplementedError(
    `${method} is not possible on the portable backend, because Node does not show its sockets; ` +
      (alternative === undefined ? native : `${alternative}, or ${native}`),
  );
}

function systemError(code: "EBADF" | "ENOTCONN", syscall: string, words: string): OSError {
  return osError(code, `${syscall} ${code}: ${words}`, { errno: constants.errno[code], syscall });
}
