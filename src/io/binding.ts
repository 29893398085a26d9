import { OSError, osError } from "../core/errors.ts";
import type { ListenOptions, Waiting } from "./backend.ts";
import { type Resolved, resolve } from "./names.ts";
import { AI_PASSIVE } from "./socket-constants.ts";

/** This machine does not have the address's family, or not the address. */
const NOT_HERE: readonly string[] = ["EAFNOSUPPORT", "EADDRNOTAVAIL"];

/**
 * Have `bind` listen at each address of `hosts` (null: any of this machine, unless `flags` say otherwise), each once. Those that this machine does not
 * have may be missing, but not all of them.
 */
export function* bindToAll(
  hosts: readonly (string | null)[],
  port: number,
  { family = 0, flags = AI_PASSIVE }: ListenOptions,
  bind: (address: Resolved) => Waiting<void>,
): Waiting<void> {
  const addresses = new Map<string, Resolved>();
  for (const host of hosts) {
    for (const found of yield* resolve(host, family, flags)) addresses.set(found.address, found);
  }
  let bound = 0;
  let missing: unknown = null;
  for (const address of addresses.values()) {
    try {
      yield* bind(address);
      bound++;
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      missing ??= bindError(error, address, port);
      if (!NOT_HERE.includes(error.code)) throw bindError(error, address, port);
    }
  }
  if (bound === 0) throw missing ?? new OSError("EADDRNOTAVAIL", "there is no host to bind to");
}

function bindError(error: OSError, { address, family }: Resolved, port: number): OSError {
  const { code, errno, syscall } = error;
  const name = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  return osError(code, `error while attempting to bind on address ${name}: ${error.message}`, {
    cause: error,
    ...(errno !== undefined && { errno }),
    ...(syscall !== undefined && { syscall }),
  });
}
