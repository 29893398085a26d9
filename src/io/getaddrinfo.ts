import { isIP, isIPv4, SocketAddress } from "node:net";
import { networkInterfaces } from "node:os";
import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { NotImplementedError, ValueError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Address } from "./address.ts";
import type { Waiting } from "./backend.ts";
import { gaiError } from "./gai-errors.ts";
import { type Resolved, resolve } from "./names.ts";
import { loadServices } from "./services.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "./socket-constants.ts";

export interface GetaddrinfoOptions {
  /** AF_INET, AF_INET6, or 0, the default, for both. */
  family?: number;
  /** SOCK_STREAM, SOCK_DGRAM, or 0, the default, for all. */
  type?: number;
  /** IPPROTO_TCP, IPPROTO_UDP, or 0, the default, for all. */
  proto?: number;
  /** AI_PASSIVE, AI_NUMERICHOST, …, added up; 0 by default. */
  flags?: number;
}

/** Where a service is, and what socket to make for it. */
export type AddressInfo = readonly [
  family: number,
  type: number,
  proto: number,
  canonname: string,
  sockaddr: Address,
];

const SYSCALL = "getaddrinfo";
const ALL_FLAGS =
  AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV;

/** A kind of socket, and how its services are listed; raw sockets have none. */
interface Kind {
  readonly type: number;
  readonly proto: number;
  readonly protocol: string | null;
}

const SOCK_RAW = 3;
const KINDS: readonly Kind[] = [
  { type: SOCK_STREAM, proto: IPPROTO_TCP, protocol: "tcp" },
  { type: SOCK_DGRAM, proto: IPPROTO_UDP, protocol: "udp" },
  { type: SOCK_RAW, proto: 0, protocol: null },
];

/** The work of `loop.getaddrinfo`. */
export function getaddrinfo(
  loop: BaseEventLoop,
  host: string | null,
  port: string | number | null,
  { family = AF_UNSPEC, type = 0, proto = 0, flags = 0 }: GetaddrinfoOptions,
): Coroutine<AddressInfo[]> {
  if (host !== null && typeof host !== "string") {
    throw new TypeError(`host must be a string or null, not ${inspect(host)}`);
  }
  const service = checkedService(port);
  if (flags & AI_CANONNAME && host !== null && literalKind(host) === 0) {
    throw new NotImplementedError(
      "getaddrinfo() cannot give the canonical name of a host, because Node does not tell it; leave out AI_CANONNAME",
    );
  }
  return new Coroutine(() => {
    if (host === null && port === null) throw gaiError("EAI_NONAME", SYSCALL, "neither host nor port");
    const look = lookUp(host, service, { family, type, proto, flags });
    return loop.getDebug() ? timed(loop, `${host}:${port}`, look) : look;
  }, SYSCALL);
}

/** A port number, or the name of a service; null if it is null or empty. */
function checkedService(port: string | number | null): string | number | null {
  if (port === null || port === "") return null;
  if (typeof port !== "number" && typeof port !== "string") {
    throw new TypeError(`port must be a number, a string or null, not ${inspect(port)}`);
  }
  if (typeof port === "string" && !/^[-+]?\d+$/.test(port)) return port;
  const number = Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  throw new ValueError(`port must be an integer from 0 to 65535, not ${inspect(port)}`);
}

function* lookUp(
  host: string | null,
  service: string | number | null,
  { family, type, proto, flags }: Required<GetaddrinfoOptions>,
): Waiting<AddressInfo[]> {
  const subject = `${host}:${service}`;
  const refuse = (code: string) => gaiError(code, SYSCALL, subject);
  if (flags & ~ALL_FLAGS) throw refuse("EAI_BADFLAGS");
  if (![AF_UNSPEC, AF_INET, AF_INET6].includes(family)) throw refuse("EAI_FAMILY");
  const kinds = KINDS.filter((kind) => (!type || kind.type === type) && (!proto || kind.proto === proto));
  if (kinds.length === 0) throw refuse(type ? "EAI_SOCKTYPE" : "EAI_SERVICE");
  if (type === SOCK_RAW && service !== null) throw refuse("EAI_SERVICE");
  if (typeof service === "string" && flags & AI_NUMERICSERV) throw refuse("EAI_NONAME");
  const ports = yield* portsOf(kinds, service);
  if (ports.size === 0) throw refuse("EAI_SERVICE");
  const addresses = yield* addressesOf(host, family, flags);
  const infos = addresses.flatMap((address) =>
    Array.from(ports, ([kind, port]) => infoOf(address, kind, port)),
  );
  return flags & AI_CANONNAME && host !== null ? withName(infos, host) : infos;
}

/** The port for each kind of socket that has the service. */
function* portsOf(kinds: readonly Kind[], service: string | number | null): Waiting<Map<Kind, number>> {
  if (typeof service !== "string") return new Map(kinds.map((kind) => [kind, service ?? 0]));
  const services = yield* loadServices();
  const ports = new Map<Kind, number>();
  for (const kind of kinds) {
    const port = kind.protocol === null ? null : services.portOf(service, kind.protocol);
    if (port !== null) ports.set(kind, port);
  }
  return ports;
}

function* addressesOf(host: string | null, family: number, flags: number): Waiting<readonly Resolved[]> {
  if (host !== null && isIPv4(host) && family === AF_INET6 && flags & AI_V4MAPPED) {
    return [{ address: `::ffff:${host}`, family: 6 }];
  }
  return yield* resolve(host, family, flags);
}

function infoOf({ address, family }: Resolved, { type, proto }: Kind, port: number): AddressInfo {
  if (family === 4) return [AF_INET, type, proto, "", [address, port]];
  return [AF_INET6, type, proto, "", ipv6Address(address, port)];
}

/** In the one canonical way of writing; the scope as a number, where this machine tells it, else in the host. */
function ipv6Address(text: string, port: number): Address {
  const [literal = "", scope] = text.split("%");
  const { address } = new SocketAddress({ family: "ipv6", address: literal });
  const scopeid = scope === undefined ? 0 : scopeNumber(scope);
  return scopeid === null ? [`${address}%${scope}`, port, 0, 0] : [address, port, 0, scopeid];
}

function scopeNumber(scope: string): number | null {
  if (/^\d+$/.test(scope)) return Number(scope);
  const found = networkInterfaces()[scope]?.find((one) => one.family === "IPv6" && one.scopeid > 0);
  return found?.family === "IPv6" ? found.scopeid : null;
}

/** As C does it, only the first has the name. */
function withName([first, ...others]: AddressInfo[], name: string): AddressInfo[] {
  if (first === undefined) return others;
  const [family, type, proto, , sockaddr] = first;
  return [[family, type, proto, name, sockaddr], ...others];
}

function literalKind(host: string): number {
  return isIP(host.split("%")[0] ?? "");
}

/** In debug mode, tell how long it takes: a slow name server looks like a slow program. */
function* timed<T>(loop: BaseEventLoop, subject: string, look: Waiting<T>): Waiting<T> {
  const start = loop.time();
  const found = yield* look;
  const seconds = loop.time() - start;
  const message = `Getting address info of ${subject} took ${(seconds * 1000).toFixed(3)} ms`;
  if (seconds >= loop.slowCallbackDuration) logger.info(message);
  else logger.debug(message);
  return found;
}
