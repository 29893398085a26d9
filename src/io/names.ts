import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import { gaierror } from "../core/errors.ts";
import type { Waiting } from "./backend.ts";
import { AF_INET, AF_INET6 } from "./socket-constants.ts";

/** An IP address, and whether it is one of IPv4 or of IPv6. */
export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * The addresses of `host`, in the order in which to try them. Looked up outside of the loop's thread, unless `host`
 * is an address already. `family` is AF_INET, AF_INET6, or 0 for both.
 *
 * Throws gaierror if there are none. Cancel safety: nothing is lost.
 */
export function* resolve(host: string, family: number): Waiting<Resolved[]> {
  const [bare = ""] = host.split("%");
  const literal = isIP(bare) as 0 | 4 | 6;
  const wanted = familyNumber(family);
  if (literal === 0) return yield* lookUp(host, wanted);
  if (wanted === 0 || wanted === literal) return [{ address: host, family: literal }];
  throw failure("EAI_ADDRFAMILY", host, "Address family for hostname not supported");
}

/** The number of an address family as people count: 4, 6, or 0 for both. */
export function familyNumber(family: number): 0 | 4 | 6 {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : 0;
}

function* lookUp(host: string, family: 0 | 4 | 6): Waiting<Resolved[]> {
  try {
    return (yield* ensureFuture(lookup(host, { all: true, family, order: "verbatim" }))) as Resolved[];
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined || !(code === "ENOTFOUND" || code.startsWith("EAI_"))) throw error;
    throw failure(code, host, "Name or service not known", error);
  }
}

function failure(code: string, host: string, words: string, cause?: unknown): gaierror {
  return new gaierror(code, `getaddrinfo ${code} ${host}: ${words}`, { syscall: "getaddrinfo", cause });
}
