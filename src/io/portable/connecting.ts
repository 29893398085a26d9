import { connect, type Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { OSError } from "../../core/errors.ts";
import type { ConnectOptions, Waiting } from "../backend.ts";
import { type Resolved, resolve } from "../names.ts";
import { familyNumber } from "./addresses.ts";
import { fromNode } from "./errors.ts";

/**
 * A socket connected to the first address of `host` that answers; throws one OSError for all that do not.
 *
 * One address after the other, as CPython does. Node would try them by itself, but gives up each after a quarter of a
 * second, however slow the network is.
 */
export function* connectTo(
  loop: BaseEventLoop,
  host: string,
  port: number,
  { family = 0, localAddr = null }: ConnectOptions,
): Waiting<Socket> {
  const addresses = yield* resolve(host, familyNumber(family));
  const locals = localAddr === null ? null : yield* resolve(localAddr[0], familyNumber(family));
  const errors: OSError[] = [];
  for (const remote of addresses) {
    try {
      const local = locals === null ? {} : localAddressFor(remote, locals, localAddr![1]);
      return yield* connectOne(loop, remote, port, local);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      errors.push(error);
    }
  }
  throw combined(errors);
}

interface LocalAddress {
  localAddress?: string;
  localPort?: number;
}

function localAddressFor({ family }: Resolved, locals: readonly Resolved[], localPort: number): LocalAddress {
  const match = locals.find((local) => local.family === family);
  if (match !== undefined) return { localAddress: match.address, localPort };
  throw new OSError("EADDRNOTAVAIL", `no matching local address with IPv${family} found`);
}

/** Cancel safety: the attempt is given up. */
function* connectOne(
  loop: BaseEventLoop,
  { address, family }: Resolved,
  port: number,
  local: LocalAddress,
): Waiting<Socket> {
  const connected = loop.createFuture<void>();
  const socket = connect({
    ...local,
    host: address,
    port,
    family,
    allowHalfOpen: true,
    autoSelectFamily: false,
  });
  // Nobody is there yet who could take what comes in.
  socket.pause();
  socket.unref();
  socket.once("connect", () => {
    if (!connected.done()) connected.setResult(undefined);
  });
  // It stays: an error that comes before the transport listens is not to be Node's "uncaught exception".
  socket.on("error", (error) => {
    if (!connected.done()) connected.setException(fromNode(error));
  });
  try {
    yield* connected;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function combined(errors: readonly OSError[]): OSError {
  const [first] = errors;
  if (first === undefined) return new OSError("EADDRNOTAVAIL", "getaddrinfo() returned an empty list");
  if (errors.every(({ message }) => message === first.message)) return first;
  const message = errors.map((error) => error.message).join(", ");
  return new OSError(first.code, `Multiple exceptions: ${message}`, { cause: new AggregateError(errors) });
}
