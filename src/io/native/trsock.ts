import { Inspectable } from "../../core/inspectable.ts";
import type { Address } from "../address.ts";
import { refuseBlocking, refuseTimeout, type TransportSocket } from "../trsock.ts";
import type { Socket } from "./socket.ts";

/** The restricted view of a native socket. */
export class NativeTransportSocket extends Inspectable implements TransportSocket {
  readonly #sock: Socket;

  constructor(sock: Socket) {
    super();
    this.#sock = sock;
  }

  get family(): number {
    return this.#sock.family;
  }

  get type(): number {
    return this.#sock.type;
  }

  get proto(): number {
    return this.#sock.proto;
  }

  fileno(): number {
    return this.#sock.fileno();
  }

  getsockname(): Address {
    return this.#sock.getsockname();
  }

  getpeername(): Address {
    return this.#sock.getpeername();
  }

  getsockopt(level: number, name: number): number {
    return this.#sock.getsockopt(level, name);
  }

  setsockopt(level: number, name: number, value: number | Uint8Array): void {
    this.#sock.setsockopt(level, name, value);
  }

  shutdown(how: number): void {
    this.#sock.shutdown(how);
  }

  dup(): Socket {
    return this.#sock.dup();
  }

  getInheritable(): boolean {
    return this.#sock.getInheritable();
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
    return `<TransportSocket ${this.#sock}>`;
  }
}
