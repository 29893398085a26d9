import { inspect } from "node:util";
import { Coroutine } from "../core/coroutines.ts";
import { OSError, ValueError } from "../core/errors.ts";
import type { Address } from "./address.ts";
import { assertFactory, checkedPort, isHostAddress } from "./arguments.ts";
import type { Backend, DatagramOptions, HostAddress, SocketLike, Waiting } from "./backend.ts";
import { resolve } from "./names.ts";
import type { DatagramProtocol } from "./protocols.ts";
import { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC, IPPROTO_UDP } from "./socket-constants.ts";
import type { DatagramTransport } from "./transports.ts";

export interface CreateDatagramEndpointOptions extends DatagramOptions {
  /** A datagram socket to use, in place of all other options; it belongs to the transport then. */
  sock?: SocketLike | null;
}

/** What a socket for datagrams is made of; its addresses are resolved. */
export interface DatagramAddresses {
  readonly family: number;
  readonly proto: number;
  readonly local: Address | null;
  readonly remote: Address | null;
}

/** The work of `loop.createDatagramEndpoint`. */
export function createDatagramEndpoint<P extends DatagramProtocol>(
  io: Backend,
  factory: () => P,
  { sock, ...options }: CreateDatagramEndpointOptions,
): Coroutine<[DatagramTransport, P]> {
  assertFactory(factory);
  if (sock !== undefined && sock !== null) {
    assertNoModifiers(options);
    return new Coroutine(() => io.adoptDatagrams(factory, sock), "createDatagramEndpoint");
  }
  // "" is no address, as in CPython.
  const { localAddr, remoteAddr } = options;
  const checked = { ...options, localAddr: localAddr || null, remoteAddr: remoteAddr || null };
  assertAddresses(checked);
  return new Coroutine(() => io.openDatagrams(factory, checked), "createDatagramEndpoint");
}

function assertNoModifiers(options: DatagramOptions): void {
  const given = Object.entries(options).filter(([, value]) => Boolean(value));
  if (given.length === 0) return;
  const problems = given.map(([name, value]) => `${name}: ${inspect(value)}`).join(", ");
  throw new ValueError(`sock and options that make a socket can not be given at the same time (${problems})`);
}

function assertAddresses({ localAddr = null, remoteAddr = null, family = AF_UNSPEC }: DatagramOptions): void {
  if (![AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX].includes(family))
    throw new ValueError(`unexpected address family ${inspect(family)}`);
  if (localAddr === null && remoteAddr === null && family === AF_UNSPEC)
    throw new ValueError("unexpected address family: give localAddr, remoteAddr, or family");
  for (const address of [localAddr, remoteAddr]) {
    if (address === null) continue;
    if (family === AF_UNIX) assertPath(address);
    else assertHostAddress(address);
  }
}

function assertPath(address: unknown): void {
  if (typeof address !== "string")
    throw new TypeError(`an AF_UNIX address is a string, not ${inspect(address)}`);
}

function assertHostAddress(address: unknown): void {
  if (!isHostAddress(address)) throw new TypeError(`an address is [host, port], not ${inspect(address)}`);
  checkedPort((address as HostAddress)[1]);
}

/**
 * What `open` gives for the first of the resolved addresses at which it succeeds; throws the first OSError if it never
 * does. Where both addresses are given, they are of one family.
 */
export function* openFirst<S>(
  options: DatagramOptions,
  open: (addresses: DatagramAddresses) => Waiting<S>,
): Waiting<S> {
  let failure: OSError | null = null;
  for (const addresses of yield* candidates(options)) {
    try {
      return yield* open(addresses);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      failure ??= error;
    }
  }
  throw failure ?? new ValueError("can not get address information: both addresses must be of one family");
}

function* candidates(options: DatagramOptions): Waiting<DatagramAddresses[]> {
  const { localAddr = null, remoteAddr = null, family = AF_UNSPEC, proto = 0, flags = 0 } = options;
  if (localAddr === null && remoteAddr === null) return [{ family, proto, local: null, remote: null }];
  if (typeof localAddr === "string" || typeof remoteAddr === "string")
    return [{ family, proto, local: localAddr as string | null, remote: remoteAddr as string | null }];
  const locals = yield* byFamily(localAddr, family, flags);
  const remotes = yield* byFamily(remoteAddr, family, flags);
  const found: DatagramAddresses[] = [];
  for (const one of (locals ?? remotes)!.keys()) {
    const local = locals?.get(one) ?? null;
    const remote = remotes?.get(one) ?? null;
    if ((locals && !local) || (remotes && !remote)) continue;
    found.push({ family: one, proto: proto || IPPROTO_UDP, local, remote });
  }
  return found;
}

/** One address of each family, in the resolver's order; as in CPython, the last one that it names. */
function* byFamily(
  address: HostAddress | null,
  family: number,
  flags: number,
): Waiting<Map<number, Address> | null> {
  if (address === null) return null;
  const [host, port] = address;
  const found = new Map<number, Address>();
  for (const one of yield* resolve(host, family, flags)) {
    found.set(one.family === 4 ? AF_INET : AF_INET6, [one.address, port]);
  }
  return found;
}
