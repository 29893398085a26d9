import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { ensureFuture } from "../concurrency/ensure-future.ts";
import { gaierror } from "../core/errors.ts";
import type { Waiting } from "./backend.ts";

/** An IP address, and whether it is one of IPv6. */
export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * The addresses of `host`, in the order in which to try them. Looked up outside of the loop's thread, unless `host`
 * is an address already. `family` is 4, 6, or 0 for both.
 *
 * Throws gaierror if there are none. Cancel safety: nothing is lost.
 */
export function* resolve(host: string, family: 0 | 4 | 6): Waiting<Resolved[]> {
  const [bare = ""] = host.split("%");
  const literal = isIP(bare) as 0 | 4 | 6;
  if (literal !== 0 && (family === 0 || family === literal)) return [{ address: host, family: literal }];
  try {
    const found = yield* ensureFuture(lookup(host, { all: true, family, order: "verbatim" }));
    return found as Resolved[];
  } catch (error) {
    throw resolutionError(host, error);
  }
}

function resolutionError(host: string, cause: unknown): unknown {
  const { code } = cause as { code?: string };
  if (code === undefined || !(code === "ENOTFOUND" || code.startsWith("EAI_"))) return cause;
  return new gaierror(code, `getaddrinfo ${code} ${host}: Name or service not known`, {
    syscall: "getaddrinfo",
    cause,
  });
}
