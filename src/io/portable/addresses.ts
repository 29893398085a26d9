import type { Socket } from "node:net";
import type { Address } from "../address.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../socket-constants.ts";

/** An address as Node gives it: everything is missing once the socket is closed, and always on a unix socket. */
export function addressOf(host: string | undefined, port: number | undefined): Address | null {
  if (host === undefined || port === undefined) return null;
  // A scope stays in the host ("fe80::1%eth0"), where Node wants it.
  return host.includes(":") ? [host, port, 0, 0] : [host, port];
}

/** The addresses of the two ends of a connection; null where there is none, or nobody knows it. */
export interface SocketNames {
  readonly sockname: Address;
  readonly peername: Address | null;
}

/** As Node tells them: not those of a unix socket. */
export function namesOf(socket: Socket): SocketNames {
  return {
    sockname: addressOf(socket.localAddress, socket.localPort) ?? "",
    peername: addressOf(socket.remoteAddress, socket.remotePort),
  };
}

/** The address family that an address belongs to. */
export function familyOf(address: Address): number {
  if (typeof address === "string") return AF_UNIX;
  return address[0].includes(":") ? AF_INET6 : AF_INET;
}

/** An address for people. */
export function formatAddress(host: string, port: number | undefined): string {
  if (port === undefined) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
