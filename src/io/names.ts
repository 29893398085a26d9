import { isIP } from "node:net";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import type { Waiting } from "./backend.ts";
import { gaiCodeOf, gaiError } from "./gai-errors.ts";
import {
  AF_INET,
  AF_INET6,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_NUMERICHOST,
  AI_PASSIVE,
  AI_V4MAPPED,
} from "./socket-constants.ts";

/** An IP address, and whether it is one of IPv4 or of IPv6. */
export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

const WILDCARDS: readonly Resolved[] = [
  { address: "0.0.0.0", family: 4 },
  { address: "::", family: 6 },
];
const LOOPBACKS: readonly Resolved[] = [
  { address: "::1", family: 6 },
  { address: "127.0.0.1", family: 4 },
];

/**
 * The addresses of `host`, in the order in which to try them. Looked up outside of the loop's thread, unless `host`
 * is an address already. Null is this machine: its loopback, or with AI_PASSIVE any address. `family` is AF_INET,
 * AF_INET6, or 0 for both; `flags` are getaddrinfo's.
 *
 * Throws gaierror if there are none. Cancel safety: nothing is lost.
 */
export function* resolve(host: string | null, family: number, flags = 0): Waiting<readonly Resolved[]> {
  const wanted = familyNumber(family);
  if (host === null) {
    const own = flags & AI_PASSIVE ? WILDCARDS : LOOPBACKS;
    return own.filter((one) => wanted === 0 || one.family === wanted);
  }
  const [bare = ""] = host.split("%");
  const literal = isIP(bare) as 0 | 4 | 6;
  if (host === "" || host.includes("\0")) throw gaiError("EAI_NONAME", "getaddrinfo", host);
  if (literal === 0 && flags & AI_NUMERICHOST) throw gaiError("EAI_NONAME", "getaddrinfo", host);
  if (literal === 0) return yield* lookUp(host, wanted, hintsOf(flags));
  if (wanted === 0 || wanted === literal) return [{ address: host, family: literal }];
  throw gaiError("EAI_ADDRFAMILY", "getaddrinfo", host);
}

/** The number of an address family as people count: 4, 6, or 0 for both. */
function familyNumber(family: number): 0 | 4 | 6 {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : 0;
}

/** Node's hints have the numbers of the platform, and there are no others. */
function hintsOf(flags: number): number {
  const { ADDRCONFIG, ALL, V4MAPPED } = process.getBuiltinModule("node:dns");
  return (
    (flags & AI_ADDRCONFIG ? ADDRCONFIG : 0) |
    (flags & AI_V4MAPPED ? V4MAPPED : 0) |
    (flags & AI_ALL ? ALL : 0)
  );
}

function* lookUp(host: string, family: 0 | 4 | 6, hints: number): Waiting<Resolved[]> {
  try {
    const { lookup } = process.getBuiltinModule("node:dns/promises");
    const found = lookup(host, { all: true, family, hints, order: "verbatim" });
    return (yield* ensureFuture(found)) as Resolved[];
  } catch (error) {
    const code = gaiCodeOf(error);
    if (code === null) throw error;
    throw gaiError(code, "getaddrinfo", host, error);
  }
}
