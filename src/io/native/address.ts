import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { constants } from "node:os";
import { gaierror, ValueError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../socket-constants.ts";
import { errnoError } from "./errno.ts";
import { libc } from "./libc.ts";

/** The room that the longest address of any family needs: `sizeof(struct sockaddr_storage)`. */
export const SOCKADDR_SIZE = 128;

/** The room for a path in `struct sockaddr_un`. */
const UNIX_PATH_MAX = 108;

/**
 * The `struct sockaddr` of an address. The host is a literal IP address, "" (any of this machine) or, for IPv4,
 * "<broadcast>"; a host name must have been resolved before, and is a gaierror here.
 *
 * Throws TypeError for an address of another shape than its family's, ValueError for a number out of its range,
 * gaierror for a host that is no address of the family, OSError (ENAMETOOLONG) for a path that is too long.
 */
export function encodeAddress(family: number, address: Address): Uint8Array {
  switch (family) {
    case AF_INET:
      return encodeIPv4(address);
    case AF_INET6:
      return encodeIPv6(address);
    case AF_UNIX:
      return encodeUnix(address);
    default:
      throw new ValueError(`addresses of family ${family} are not supported`);
  }
}

/** The address in a `struct sockaddr` of `length` bytes. Throws ValueError for a family that is not IPv4, IPv6 or Unix. */
export function decodeAddress(bytes: Uint8Array, length: number): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  switch (family) {
    case AF_INET:
      return [bytes.subarray(4, 8).join("."), view.getUint16(2)];
    case AF_INET6:
      return [decodeIPv6Host(view), view.getUint16(2), view.getUint32(4), view.getUint32(24, true)];
    case AF_UNIX:
      return decodeUnix(bytes.subarray(2, length));
    default:
      throw new ValueError(`addresses of family ${family} are not supported`);
  }
}

/** An address for people: `127.0.0.1:80`, `[::1]:80`, `/run/app.sock`, `@abstract`. */
export function formatAddress(address: Address): string {
  if (typeof address === "string") return address.replace(/^\0/, "@");
  const [host, port] = address;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function encodeIPv4(address: Address): Uint8Array {
  const [host, port] = pair(address, "AF_INET", 2);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, checked("port", port, 0xffff));
  if (host === "<broadcast>") bytes.fill(255, 4, 8);
  else if (isIPv4(host)) bytes.set(host.split(".").map(Number), 4);
  else if (host !== "") throw notAnAddress(host, "IPv4");
  return bytes;
}

function encodeIPv6(address: Address): Uint8Array {
  const [host, port, flowinfo = 0, scopeid = 0] = pair(address, "AF_INET6", 4);
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, checked("port", port, 0xffff));
  view.setUint32(4, checked("flowinfo", flowinfo, 0xfffff));
  view.setUint32(24, checked("scopeid", scopeid, 0xffffffff), true);
  if (host === "") return bytes;
  if (!isIPv6(host)) throw notAnAddress(host, "IPv6");
  const [literal, scope] = host.split("%") as [string, string?];
  ipv6Groups(literal).forEach((group, i) => {
    view.setUint16(8 + 2 * i, group);
  });
  if (scope !== undefined) view.setUint32(24, scopeNumber(scope, host), true);
  return bytes;
}

/** The eight 16-bit groups of a valid IPv6 literal. */
function ipv6Groups(literal: string): number[] {
  const [head, tail] = literal.split("::").map((half) => half.split(":").filter(Boolean).flatMap(groups));
  if (tail === undefined) return head!;
  return [...head!, ...new Array<number>(8 - head!.length - tail.length).fill(0), ...tail];
}

/** One group; or two, if it is the embedded IPv4 address that may end a literal. */
function groups(text: string): number[] {
  if (!text.includes(".")) return [Number.parseInt(text, 16)];
  const [a, b, c, d] = text.split(".").map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

function scopeNumber(scope: string, host: string): number {
  const number = /^\d+$/.test(scope) ? Number(scope) : libc().if_nametoindex(scope);
  if (number > 0) return checked("scope", number, 0xffffffff);
  throw new gaierror("EAI_NONAME", `${host}: there is no network interface "${scope}"`, {
    errno: EAI_NONAME,
  });
}

function decodeIPv6Host(view: DataView): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16));
  // Writes it in the one canonical way (RFC 5952), as inet_ntop does.
  return new SocketAddress({ family: "ipv6", address: groups.join(":") }).address;
}

function encodeUnix(address: Address): Uint8Array {
  if (typeof address !== "string") throw new TypeError("an AF_UNIX address is a string");
  const name = Buffer.from(address);
  const abstract = address === "" || address.startsWith("\0");
  if (!abstract && address.includes("\0"))
    throw new ValueError(`a path cannot contain NUL: ${JSON.stringify(address)}`);
  // The kernel takes an abstract name by its length, and "" as a request to choose one; a path ends with NUL.
  const length = abstract ? name.length : name.length + 1;
  if (length > UNIX_PATH_MAX) {
    const detail = `AF_UNIX path is longer than ${UNIX_PATH_MAX - 1} bytes: ${formatAddress(address)}`;
    throw errnoError(constants.errno.ENAMETOOLONG, "sockaddr_un", detail);
  }
  const bytes = new Uint8Array(2 + length);
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  return bytes;
}

function decodeUnix(name: Uint8Array): string {
  const end = name[0] === 0 ? -1 : name.indexOf(0);
  return Buffer.from(end < 0 ? name : name.subarray(0, end)).toString();
}

function pair(
  address: Address,
  family: string,
  longest: number,
): readonly [string, number, number?, number?] {
  const fits = Array.isArray(address) && address.length >= 2 && address.length <= longest;
  if (!fits || typeof address[0] !== "string") {
    const shape = longest === 2 ? "[host, port]" : "[host, port, flowinfo, scopeid]";
    throw new TypeError(`an ${family} address is ${shape}, not ${JSON.stringify(address)}`);
  }
  return address as unknown as readonly [string, number, number?, number?];
}

function checked(what: string, value: unknown, max: number): number {
  if (typeof value !== "number")
    throw new TypeError(`${what} must be a number, not ${JSON.stringify(value)}`);
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new ValueError(`${what} must be an integer from 0 to ${max}, not ${value}`);
}

/** getaddrinfo's number for an unknown name, as Python's `gaierror` has it. */
const EAI_NONAME = -2;

function notAnAddress(host: string, family: string): gaierror {
  const message = `${JSON.stringify(host)} is not an ${family} address; resolve names first, with getaddrinfo`;
  return new gaierror("EAI_NONAME", message, { errno: EAI_NONAME });
}
