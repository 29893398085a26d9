import { connect, type Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { setResultUnlessDone } from "../../core/futures.ts";
import type { ConnectOptions, Waiting } from "../backend.ts";
import { connectTo } from "../connecting.ts";
import type { Resolved } from "../names.ts";
import { fromNode } from "./errors.ts";

/**
 * A socket connected to an address of `host` that answers.
 *
 * Addresses are tried as CPython does. Node would try them by itself, but gives up each after a quarter of a
 * second, however slow the network is.
 */
export function connectSocket(
  loop: BaseEventLoop,
  host: string | null,
  port: number,
  options: ConnectOptions,
): Waiting<Socket> {
  return connectTo(host, options, {
    connect(remote, local) {
      const from = local === null ? {} : { localAddress: local.address, localPort: options.localAddr![1] };
      return connectOne(loop, remote, port, from);
    },
    discard: (socket) => socket.destroy(),
  });
}

interface LocalAddress {
  localAddress?: string;
  localPort?: number;
}

/** Cancel safety: the attempt is given up. */
function* connectOne(
  loop: BaseEventLoop,
  { address, family }: Resolved,
  port: number,
  local: LocalAddress,
): Waiting<Socket> {
  const socket = connect({
    ...local,
    host: address,
    port,
    family,
    allowHalfOpen: true,
    autoSelectFamily: false,
  });
  return yield* untilConnected(loop, socket);
}

/** The socket, which is connecting, when it is connected. Cancel safety: the attempt is given up. */
export function* untilConnected(loop: BaseEventLoop, socket: Socket): Waiting<Socket> {
  const connected = loop.createFuture<void>();
  // Nobody is there yet who could take what comes in.
  socket.pause();
  socket.unref();
  socket.once("connect", () => {
    setResultUnlessDone(connected, undefined);
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
