import { constants } from "node:os";
import { OSError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import type { ConnectOptions, Waiting } from "../backend.ts";
import { type Resolved, resolve } from "../names.ts";
import { formatAddress } from "./address.ts";
import { errnoError } from "./errno.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";
import { AF_INET, AF_INET6, SO_ERROR, SOCK_STREAM, SOL_SOCKET } from "../socket-constants.ts";

const { EINPROGRESS } = constants.errno;

/** A socket connected to the first address of `host` that answers; throws one OSError for all that do not. */
export function* connectTo(
  events: SelectorEvents,
  host: string,
  port: number,
  { family = 0, localAddr = null }: ConnectOptions,
): Waiting<Socket> {
  const addresses = yield* resolve(host, familyNumber(family));
  const locals = localAddr === null ? null : yield* resolve(localAddr[0], familyNumber(family));
  const errors: OSError[] = [];
  for (const { address, family } of addresses) {
    try {
      const local = locals && localAddressFor(family, locals, localAddr![1]);
      return yield* connectOne(events, socketFamily(family), [address, port], local);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      errors.push(error);
    }
  }
  throw combined(errors);
}

function* connectOne(
  events: SelectorEvents,
  family: number,
  address: Address,
  local: Address | null,
): Waiting<Socket> {
  const sock = new Socket(family, SOCK_STREAM);
  try {
    if (local !== null) sock.bind(local);
    yield* connect(events, sock, address);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Connect `sock`, waiting until that is decided. Cancel safety: the socket stays as it is, and must be closed. */
function* connect(events: SelectorEvents, sock: Socket, address: Address): Waiting<void> {
  const errno = sock.connectEx(address);
  if (errno === 0) return;
  if (errno !== EINPROGRESS) throw connectError(errno, address);
  const decided = events.loop.createFuture<void>();
  const fd = sock.fileno();
  events.add("writer", fd, () => {
    if (!decided.done()) decided.setResult(undefined);
  });
  try {
    yield* decided;
  } finally {
    events.remove("writer", fd);
  }
  const result = sock.getsockopt(SOL_SOCKET, SO_ERROR);
  if (result !== 0) throw connectError(result, address);
}

function connectError(errno: number, address: Address): OSError {
  return errnoError(errno, "connect", formatAddress(address));
}

function localAddressFor(family: 4 | 6, locals: readonly Resolved[], port: number): Address {
  const match = locals.find((local) => local.family === family);
  if (match === undefined) {
    throw new OSError("EADDRNOTAVAIL", `no matching local address with IPv${family} found`);
  }
  return [match.address, port];
}

function combined(errors: readonly OSError[]): OSError {
  const [first] = errors;
  if (first === undefined) return new OSError("EADDRNOTAVAIL", "getaddrinfo() returned an empty list");
  if (errors.every(({ message }) => message === first.message)) return first;
  const message = errors.map((error) => error.message).join(", ");
  return new OSError(first.code, `Multiple exceptions: ${message}`, { cause: new AggregateError(errors) });
}

export function socketFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

export function familyNumber(family: number): 0 | 4 | 6 {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : 0;
}
