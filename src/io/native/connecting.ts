import { constants } from "node:os";
import type { OSError } from "../../core/errors.ts";
import { setResultUnlessDone } from "../../core/futures.ts";
import type { Address } from "../address.ts";
import type { ConnectOptions, Waiting } from "../backend.ts";
import { connectTo } from "../connecting.ts";
import { AF_INET, AF_INET6, IPPROTO_TCP, SO_ERROR, SOCK_STREAM, SOL_SOCKET } from "../socket-constants.ts";
import { formatAddress } from "./address.ts";
import { errnoError } from "./errno.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";

const { EALREADY, EINPROGRESS } = constants.errno;

/** A socket connected to an address of `host` that answers. */
export function connectSocket(
  events: SelectorEvents,
  host: string | null,
  port: number,
  options: ConnectOptions,
): Waiting<Socket> {
  return connectTo(host, options, {
    connect(remote, local) {
      const from: Address | null = local && [local.address, options.localAddr![1]];
      return connectOne(events, socketFamily(remote.family), [remote.address, port], from);
    },
    discard: (sock) => sock.close(),
  });
}

function* connectOne(
  events: SelectorEvents,
  family: number,
  address: Address,
  local: Address | null,
): Waiting<Socket> {
  const sock = new Socket(family, SOCK_STREAM, IPPROTO_TCP);
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
export function* connect(events: SelectorEvents, sock: Socket, address: Address): Waiting<void> {
  const errno = sock.connectEx(address);
  if (errno === 0) return;
  // EALREADY: somebody has begun it before, and was cancelled.
  if (errno !== EINPROGRESS && errno !== EALREADY) throw connectError(errno, address);
  const decided = events.loop.createFuture<void>();
  const fd = sock.fileno();
  const handle = events.add("writer", fd, () => {
    setResultUnlessDone(decided, undefined);
  });
  try {
    yield* decided;
  } finally {
    // Cancelled by whoever watches that number by now.
    if (!handle.cancelled()) events.remove("writer", fd);
  }
  const result = sock.getsockopt(SOL_SOCKET, SO_ERROR);
  if (result !== 0) throw connectError(result, address);
}

function connectError(errno: number, address: Address): OSError {
  return errnoError(errno, "connect", formatAddress(address));
}

/** The address family for the number of an IP version. */
export function socketFamily(version: 4 | 6): number {
  return version === 4 ? AF_INET : AF_INET6;
}
