import { ADDRCONFIG, ALL, V4MAPPED } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import type { Waiting } from "./backend.ts";
import { gaiCodeOf, gaiError } from "./gai-errors.ts";
import { AF_INET, AF_INET6, AI_ADDRCONFIG, AI_ALL, AI_NUMERICHOST, AI_V4MAPPED } from "./socket-constants.ts";

/** An IP address, and whether it is one of IPv4 or of IPv6. */
export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * The addresses of `host`, in the order in which to try them. Looked up outside of the loop's thread, unless `host`
 * is an address already. `family` is AF_INET, AF_INET6, or 0 for both; `flags` are getaddrinfo's.
 *
 * Throws gaierror if there are none. Cancel safety: nothing is lost.
 */
export function* resolve(host: string, family: number, flags = 0): Waiting<Resolved[]> {
  const [bare = ""] = host.split("%");
  const literal = isIP(bare) as 0 | 4 | 6;
  const wanted = familyNumber(family);
  if (host.includes("\0")) throw gaiError("EAI_NONAME", "getaddrinfo", host);
  if (literal === 0 && flags & AI_NUMERICHOST) throw gaiError("EAI_NONAME", "getaddrinfo", host);
  if (literal === 0) return yield* lookUp(host, wanted, hintsOf(flags));
  if (wanted === 0 || wanted === literal) return [{ address: host, family: literal }];
  throw gaiError("EAI_ADDRFAMILY", "getaddrinfo", host);
}

/** The number of an address family as people count: 4, 6, or 0 for both. */
export function familyNumber(family: number): 0 | 4 | 6 {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : 0;
}

/** Node's hints have the numbers of the platform, and there are no others. */
function hintsOf(flags: number): number {
  return (
    (flags & AI_ADDRCONFIG ? ADDRCONFIG : 0) |
    (flags & AI_V4MAPPED ? V4MAPPED : 0) |
    (flags & AI_ALL ? ALL : 0)
  );
}

function* lookUp(host: string, family: 0 | 4 | 6, hints: number): Waiting<Resolved[]> {
  try {
    const found = lookup(host, { all: true, family, hints, order: "verbatim" });
    return (yield* ensureFuture(found)) as Resolved[];
  } catch (error) {
    const code = gaiCodeOf(error);
    if (code === null) throw error;
    throw gaiError(code, "getaddrinfo", host, error);
  }
}
