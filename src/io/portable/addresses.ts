import type { Address } from "../address.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../socket-constants.ts";

/** An address as Node gives it: everything is missing once the socket is closed, and always on a unix socket. */
export function addressOf(host: string | undefined, port: number | undefined): Address | null {
  if (host === undefined || port === undefined) return null;
  // A scope stays in the host ("fe80::1%eth0"), where Node wants it.
  return host.includes(":") ? [host, port, 0, 0] : [host, port];
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
