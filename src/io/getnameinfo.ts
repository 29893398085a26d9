import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { inspect } from "node:util";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import { Coroutine } from "../core/coroutines.ts";
import { NotImplementedError } from "../core/errors.ts";
import type { Address } from "./address.ts";
import { checkedPort } from "./arguments.ts";
import type { Waiting } from "./backend.ts";
import { gaiCodeOf, gaiError } from "./gai-errors.ts";
import { loadServices } from "./services.ts";
import { NI_DGRAM, NI_NAMEREQD, NI_NOFQDN, NI_NUMERICHOST, NI_NUMERICSERV } from "./socket-constants.ts";

const SYSCALL = "getnameinfo";
const ALL_FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NAMEREQD | NI_DGRAM;

/** The work of `loop.getnameinfo`. */
export function getnameinfo(sockaddr: Address, flags: number): Coroutine<[host: string, service: string]> {
  const [host, number, , scopeid = 0] = checkedAddress(sockaddr);
  const port = checkedPort(number);
  if (flags & NI_NOFQDN) {
    throw new NotImplementedError(
      "getnameinfo() cannot leave out the local domain, because Node does not tell it; leave out NI_NOFQDN",
    );
  }
  return new Coroutine(() => lookUp(host, port, scopeid, flags), SYSCALL);
}

function checkedAddress(sockaddr: Address): readonly [string, number, number?, number?] {
  const isAddress =
    Array.isArray(sockaddr) &&
    typeof sockaddr[0] === "string" &&
    (sockaddr.length === 2 || (sockaddr.length === 4 && !isIPv4(sockaddr[0])));
  if (isAddress) return sockaddr as unknown as readonly [string, number, number?, number?];
  throw new TypeError(
    `an address is [host, port], or [host, port, flowinfo, scopeid] for IPv6, not ${inspect(sockaddr)}`,
  );
}

function* lookUp(host: string, port: number, scopeid: number, flags: number): Waiting<[string, string]> {
  if (flags & ~ALL_FLAGS) throw gaiError("EAI_BADFLAGS", SYSCALL, host);
  // Only an address has a name; and one that is wanted as text has none to be required.
  if (!isIPv4(host) && !isIPv6(host)) throw gaiError("EAI_NONAME", SYSCALL, host);
  if (flags & NI_NUMERICHOST && flags & NI_NAMEREQD) throw gaiError("EAI_NONAME", SYSCALL, host);
  return [yield* hostName(host, port, scopeid, flags), yield* serviceName(port, flags)];
}

function* hostName(host: string, port: number, scopeid: number, flags: number): Waiting<string> {
  if (flags & NI_NUMERICHOST) return numeric(host, scopeid);
  const { lookupService } = process.getBuiltinModule("node:dns/promises");
  try {
    return (yield* ensureFuture(lookupService(host, port))).hostname;
  } catch (error) {
    const code = gaiCodeOf(error);
    if (code === null) throw error;
    if (flags & NI_NAMEREQD) throw gaiError(code, SYSCALL, host, error);
    return numeric(host, scopeid);
  }
}

/** Without a file of services, it is the number. */
function* serviceName(port: number, flags: number): Waiting<string> {
  if (flags & NI_NUMERICSERV) return String(port);
  const services = yield* loadServices();
  return services.nameOf(port, flags & NI_DGRAM ? "udp" : "tcp") ?? String(port);
}

function numeric(host: string, scopeid: number): string {
  if (isIPv4(host)) return host;
  const [literal = "", scope = scopeid > 0 ? String(scopeid) : ""] = host.split("%");
  const { address } = new SocketAddress({ family: "ipv6", address: literal });
  return scope === "" ? address : `${address}%${scope}`;
}
