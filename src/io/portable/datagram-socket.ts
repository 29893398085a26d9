import { createSocket, type Socket } from "node:dgram";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { NotImplementedError, ValueError } from "../../core/errors.ts";
import { setResultUnlessDone } from "../../core/futures.ts";
import type { Address } from "../address.ts";
import type { DatagramOptions, SocketLike, Waiting } from "../backend.ts";
import { type DatagramAddresses, openFirst } from "../datagrams.ts";
import { AF_INET, AF_INET6, IPPROTO_UDP, SOCK_DGRAM } from "../socket-constants.ts";
import type { TransportSocket } from "../trsock.ts";
import { addressOf } from "./addresses.ts";
import { Arrivals } from "./arrivals.ts";
import { targetOf } from "./datagram-address.ts";
import { fromNode, openDescriptor } from "./errors.ts";

type Kind = "udp4" | "udp6";

/** A socket of Node's that is bound, and connected as far as it is to be. */
export interface OpenDatagramSocket {
  readonly node: Socket;
  readonly kind: Kind;
  readonly arrivals: Arrivals;
  readonly sockname: Address;
  readonly peername: Address | null;
  /** Where all datagrams go. */
  readonly remote: Address | null;
}

/** A socket for datagrams, bound and connected as far as `options` ask for it. */
export function openDatagramSocket(
  loop: BaseEventLoop,
  options: DatagramOptions,
): Waiting<OpenDatagramSocket> {
  return openFirst(options, (addresses) => openOne(loop, addresses, options));
}

/** Cancel safety: the socket is closed. */
function* openOne(
  loop: BaseEventLoop,
  { family, proto, local, remote }: DatagramAddresses,
  { reusePort = false, allowBroadcast = false }: DatagramOptions,
): Waiting<OpenDatagramSocket> {
  const kind = kindOf(family);
  if (proto !== 0 && proto !== IPPROTO_UDP) throw impossible(`protocol ${proto} is`, "knows UDP alone");
  const node = makeSocket(kind, reusePort);
  const arrivals = new Arrivals(node);
  try {
    const [address, port] = typeof local === "object" && local !== null ? local : [undefined, 0];
    yield* until(loop, node, "listening", () =>
      node.bind({ port, exclusive: true, ...(address !== undefined && { address }) }),
    );
    if (allowBroadcast) node.setBroadcast(true);
    if (remote !== null && !allowBroadcast) yield* connect(loop, node, kind, remote);
    return { node, kind, arrivals, remote, ...namesOf(node, remote !== null && !allowBroadcast) };
  } catch (error) {
    node.close();
    throw error;
  }
}

/**
 * A socket for datagrams on the descriptor of `sock`, which is Node's from now on.
 *
 * Throws ValueError if it is another kind of socket; NotImplementedError if it does not tell its family, has one that
 * Node does not have, or is connected. Cancel safety: the descriptor is closed.
 */
export function* adoptDatagramSocket(
  loop: BaseEventLoop,
  sock: SocketLike & Partial<TransportSocket> & { detach?(): number },
): Waiting<OpenDatagramSocket> {
  if (sock.type !== undefined && sock.type !== SOCK_DGRAM) throw notForDatagrams(sock);
  if (sock.family === undefined) throw impossible("a descriptor without its `family` is", "does not tell it");
  const kind = kindOf(sock.family);
  if (isConnected(sock)) throw impossible("a socket that is connected already is", "cannot send by it");
  const node = makeSocket(kind, false);
  const arrivals = new Arrivals(node);
  try {
    yield* until(loop, node, "listening", () => adopt(node, sock));
    sock.detach?.();
    return { node, kind, arrivals, remote: null, ...namesOf(node, false) };
  } catch (error) {
    node.close();
    throw error;
  }
}

function adopt(node: Socket, sock: SocketLike): void {
  const fd = openDescriptor(sock);
  try {
    node.bind({ fd });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw fromNode(error as NodeJS.ErrnoException);
    throw notForDatagrams(sock, error);
  }
}

function notForDatagrams(sock: SocketLike, cause?: unknown): ValueError {
  return new ValueError(`A datagram socket was expected, got ${sock}`, { cause });
}

function isConnected(sock: Partial<TransportSocket>): boolean {
  try {
    return sock.getpeername?.() !== undefined;
  } catch {
    return false;
  }
}

function kindOf(family: number): Kind {
  if (family === AF_INET) return "udp4";
  if (family === AF_INET6) return "udp6";
  throw impossible("unix datagrams are", "has none");
}

/** Node looks up even literal addresses, and sends a tick later therefore. Ours are literal. */
function makeSocket(type: Kind, reusePort: boolean): Socket {
  const family = type === "udp4" ? 4 : 6;
  const node = createSocket({
    type,
    reusePort,
    lookup: (host, _options, callback) => callback(null, host, family),
  });
  node.unref();
  return node;
}

/** Have the socket `begin` something, and wait for the event that tells that it succeeded. */
function* until(
  loop: BaseEventLoop,
  node: Socket,
  event: "listening" | "connect",
  begin: () => void,
): Waiting<void> {
  const done = loop.createFuture<void>();
  const succeed = () => {
    setResultUnlessDone(done, undefined);
  };
  const fail = (error: NodeJS.ErrnoException) => {
    if (!done.done()) done.setException(fromNode(error));
  };
  node.once(event, succeed);
  node.once("error", fail);
  try {
    begin();
    yield* done;
  } finally {
    node.off(event, succeed);
    node.off("error", fail);
  }
}

function* connect(loop: BaseEventLoop, node: Socket, kind: Kind, remote: Address): Waiting<void> {
  const { host, port } = targetOf(kind, remote);
  yield* until(loop, node, "connect", () => node.connect(port, host));
}

function namesOf(
  node: Socket,
  connected: boolean,
): { readonly sockname: Address; readonly peername: Address | null } {
  const own = node.address();
  const peer = connected ? node.remoteAddress() : null;
  return {
    sockname: addressOf(own.address, own.port) ?? "",
    peername: peer && addressOf(peer.address, peer.port),
  };
}

function impossible(what: string, why: string): NotImplementedError {
  return new NotImplementedError(
    `${what} not possible on the portable backend, because Node ${why}; ` +
      "use the native backend (Linux, with koffi installed)",
  );
}
