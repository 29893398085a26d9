import { isIP } from "node:net";
import { constants } from "node:os";
import { inspect } from "node:util";
import { gaierror, osError, ValueError } from "../../core/errors.ts";
import type { Address } from "../address.ts";

/** Where Node sends a datagram to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

const ANY = { udp4: "0.0.0.0", udp6: "::" } as const;

/**
 * The target that `address` stands for. Throws TypeError if it is no address, ValueError if its port is out of range,
 * gaierror if its host is not a literal address of the socket's kind, OSError (EINVAL) for port 0.
 */
export function targetOf(type: "udp4" | "udp6", address: Address): Target {
  if (!Array.isArray(address) || address.length < 2 || typeof address[0] !== "string")
    throw new TypeError(`an address is [host, port], not ${inspect(address)}`);
  const [host, port, , scope = 0] = address as readonly [string, number, number?, number?];
  assertPort(port);
  if (host === "") return { host: ANY[type], port };
  if (host === "<broadcast>" && type === "udp4") return { host: "255.255.255.255", port };
  assertLiteral(type, host);
  return { host: scope === 0 || host.includes("%") ? host : `${host}%${scope}`, port };
}

function assertPort(port: unknown): void {
  if (!(typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 65535))
    throw new ValueError(`port must be an integer from 0 to 65535, not ${inspect(port)}`);
  if (port > 0) return;
  throw osError("EINVAL", "send EINVAL: nothing can be sent to port 0", { errno: constants.errno.EINVAL });
}

function assertLiteral(type: "udp4" | "udp6", host: string): void {
  if (isIP(host) === (type === "udp4" ? 4 : 6)) return;
  const family = type === "udp4" ? "IPv4" : "IPv6";
  throw new gaierror("EAI_NONAME", `${inspect(host)} is not an ${family} address; resolve names first`);
}
