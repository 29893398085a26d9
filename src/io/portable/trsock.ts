import { constants } from "node:os";
import { inspect } from "node:util";
import { NotImplementedError, type OSError, osError } from "../../core/errors.ts";
import { Inspectable } from "../../core/inspectable.ts";
import type { Address } from "../address.ts";
import { AF_UNIX, IPPROTO_TCP, SOCK_STREAM } from "../socket-constants.ts";
import type { TransportSocket } from "../trsock.ts";
import { familyOf } from "./addresses.ts";

/** The view of a socket that Node does not show: its addresses, and nothing else. */
export class PortableTransportSocket extends Inspectable implements TransportSocket {
  readonly family: number;
  readonly type = SOCK_STREAM;
  readonly proto: number;
  readonly #sockname: Address;
  readonly #peername: Address | null;
  #closed = false;

  constructor(sockname: Address, peername: Address | null) {
    super();
    this.#sockname = sockname;
    this.#peername = peername;
    this.family = familyOf(sockname);
    this.proto = this.family === AF_UNIX ? 0 : IPPROTO_TCP;
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

  override toString(): string {
    const peer = this.#peername === null ? "" : ` peername=${inspect(this.#peername)}`;
    return `<TransportSocket ${this.#closed ? "closed " : ""}sockname=${inspect(this.#sockname)}${peer}>`;
  }
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
