import { inspect } from "node:util";
import { ValueError } from "../core/errors.ts";
import { assertDuration, checkedPort, isHostAddress } from "./arguments.ts";
import type { ConnectOptions, HostAddress, ListenOptions, SocketLike } from "./backend.ts";
import { gaiError } from "./gai-errors.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, IPPROTO_TCP, SOCK_STREAM } from "./socket-constants.ts";
import type { TransportSocket } from "./trsock.ts";

/** The largest number that the system takes. */
const INT_MAX = 2 ** 31 - 1;

/* What createConnection and createServer can be told besides an address, checked at the call. */

/** Throws TypeError, ValueError, or the gaierror that getaddrinfo has for a family or a protocol. */
export function assertConnectOptions(options: ConnectOptions): void {
  const { family = AF_UNSPEC, proto = 0, flags = 0, localAddr = null } = options;
  const { happyEyeballsDelay = null, interleave = null } = options;
  assertFamily(family);
  assertProtocol(proto);
  assertInteger("flags", flags);
  if (localAddr !== null) assertLocalAddress(localAddr);
  if (happyEyeballsDelay !== null) assertDuration("happyEyeballsDelay", happyEyeballsDelay);
  if (interleave !== null) assertCount("interleave", interleave);
}

/** As {@link assertConnectOptions}. */
export function assertListenOptions({ family = AF_UNSPEC, flags = 0, backlog = 100 }: ListenOptions): void {
  assertFamily(family);
  assertInteger("flags", flags);
  assertInteger("backlog", backlog);
  if (backlog > INT_MAX) throw new ValueError(`backlog must be at most ${INT_MAX}, not ${backlog}`);
}

/** Throws ValueError for a socket that is known to be something else; of one that is an fd only, the backend finds out. */
export function assertStreamSocket(sock: SocketLike): void {
  if (typeof (sock as Partial<SocketLike> | null)?.fileno !== "function") {
    throw new TypeError(`a socket was expected, with a fileno(), not ${inspect(sock)}`);
  }
  const { type = SOCK_STREAM } = sock as Partial<TransportSocket>;
  if (type !== SOCK_STREAM) throw new ValueError(`A Stream Socket was expected, got ${sock}`);
}

function assertFamily(family: number): void {
  assertInteger("family", family);
  if (family === AF_UNSPEC || family === AF_INET || family === AF_INET6) return;
  throw gaiError("EAI_FAMILY", "getaddrinfo", `family ${family}`);
}

function assertProtocol(proto: number): void {
  assertInteger("proto", proto);
  if (proto === 0 || proto === IPPROTO_TCP) return;
  throw gaiError("EAI_SOCKTYPE", "getaddrinfo", `protocol ${proto}`);
}

function assertLocalAddress(address: HostAddress): void {
  if (!isHostAddress(address)) {
    throw new TypeError(`localAddr must be [host, port], not ${inspect(address)}`);
  }
  checkedPort(address[1]);
}

function assertInteger(name: string, value: number): void {
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be an integer, not ${inspect(value)}`);
}

function assertCount(name: string, value: number): void {
  assertInteger(name, value);
  if (value < 0) throw new ValueError(`${name} must be 0 or more, not ${value}`);
}
