import { ValueError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import type { DatagramOptions, SocketLike, Waiting } from "../backend.ts";
import { type DatagramAddresses, openFirst } from "../datagrams.ts";
import { SO_BROADCAST, SO_REUSEPORT, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from "../socket-constants.ts";
import { isFileName, removeStaleSocket } from "../socket-file.ts";
import { Socket } from "./socket.ts";

/** A socket for datagrams, bound and connected as far as `options` ask for it, and the remote address. */
export function openDatagramSocket(
  options: DatagramOptions,
): Waiting<[sock: Socket, remote: Address | null]> {
  return openFirst(options, (addresses) => openOne(addresses, options));
}

function* openOne(
  { family, proto, local, remote }: DatagramAddresses,
  { reusePort = false, allowBroadcast = false }: DatagramOptions,
): Waiting<[sock: Socket, remote: Address | null]> {
  const sock = new Socket(family, SOCK_DGRAM, proto);
  try {
    if (reusePort) sock.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    if (allowBroadcast) sock.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
    if (local !== null) bind(sock, local);
    // It takes no time. For broadcasts there must be no connection: the answers come from other addresses.
    if (remote !== null && !allowBroadcast) sock.connect(remote);
    return [sock, remote];
  } catch (error) {
    sock.close();
    throw error;
  }
}

function bind(sock: Socket, local: Address): void {
  if (typeof local === "string" && isFileName(local)) removeStaleSocket(local);
  sock.bind(local);
}

/** The socket that `sock` is, or has the descriptor of. Throws ValueError if it is one for streams. */
export function datagramSocket(sock: SocketLike): Socket {
  const native = sock instanceof Socket ? sock : new Socket(-1, -1, -1, { fileno: sock.fileno() });
  if (native.type !== SOCK_STREAM) return native;
  const error = new ValueError(`A datagram socket was expected, got ${native}`);
  // It stays the caller's.
  if (native !== sock) native.detach();
  throw error;
}
