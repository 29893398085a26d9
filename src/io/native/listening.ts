import { constants } from "node:os";
import { ACCEPT_RETRY_DELAY } from "../../core/constants.ts";
import { OSError, osError } from "../../core/errors.ts";
import type { Address } from "../address.ts";
import type { ListenOptions, Waiting } from "../backend.ts";
import { type Resolved, resolve } from "../names.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Listener, Server } from "../server.ts";
import { formatAddress } from "./address.ts";
import { familyNumber, socketFamily } from "./connecting.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";
import {
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../socket-constants.ts";
import { SocketTransport } from "./socket-transport.ts";
import { NativeTransportSocket } from "./trsock.ts";

const { EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN, EINTR, ECONNABORTED, EAFNOSUPPORT } = constants.errno;

/** The system is out of something; the listening socket stays readable, so going on at once would spin. */
const OUT_OF_RESOURCES: readonly (number | undefined)[] = [EMFILE, ENFILE, ENOBUFS, ENOMEM];
const TRY_AGAIN_LATER: readonly (number | undefined)[] = [EAGAIN, EINTR, ECONNABORTED];

/** Bound sockets for every address of `hosts`; all or none. */
export function* bindAll(
  hosts: readonly (string | null)[],
  port: number,
  options: ListenOptions,
): Waiting<Socket[]> {
  const addresses = new Map<string, Resolved>();
  for (const host of hosts) {
    for (const found of yield* addressesOf(host, options.family ?? 0)) addresses.set(found.address, found);
  }
  const sockets: Socket[] = [];
  try {
    for (const { address, family } of addresses.values()) {
      const sock = bind([address, port], socketFamily(family), options, addresses.size > 1);
      if (sock !== null) sockets.push(sock);
    }
    return sockets;
  } catch (error) {
    for (const sock of sockets) sock.close();
    throw error;
  }
}

function* addressesOf(host: string | null, family: number): Waiting<Resolved[]> {
  if (host !== null) return yield* resolve(host, familyNumber(family));
  const any: Resolved[] = [
    { address: "0.0.0.0", family: 4 },
    { address: "::", family: 6 },
  ];
  return any.filter((one) => family === 0 || one.family === familyNumber(family));
}

/** Null where the kernel has no such family and there are others to listen at. */
function bind(
  address: Address,
  family: number,
  options: ListenOptions,
  isOneOfSeveral: boolean,
): Socket | null {
  let sock: Socket;
  try {
    sock = new Socket(family, SOCK_STREAM);
  } catch (error) {
    if (isOneOfSeveral && (error as OSError).errno === EAFNOSUPPORT) return null;
    throw error;
  }
  try {
    if (options.reuseAddress !== false) sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) sock.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    // Otherwise "::" takes the port for IPv4 too, and the socket for IPv4 cannot have it.
    if (family === AF_INET6) sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    sock.bind(address);
    return sock;
  } catch (error) {
    sock.close();
    throw error instanceof OSError ? bindError(error, address) : error;
  }
}

function bindError(error: OSError, address: Address): OSError {
  const { code, errno, syscall } = error;
  const message = `error while attempting to bind on address ${formatAddress(address)}: ${error.message}`;
  return osError(code, message, {
    cause: error,
    ...(errno !== undefined && { errno }),
    ...(syscall !== undefined && { syscall }),
  });
}

/** Accepts connections at sockets that are bound, and makes their transports. */
export class SocketListener implements Listener {
  readonly sockets: readonly NativeTransportSocket[];
  readonly #events: SelectorEvents;
  readonly #socks: readonly Socket[];
  readonly #factory: () => StreamProtocol;
  readonly #backlog: number;

  constructor(
    events: SelectorEvents,
    socks: readonly Socket[],
    factory: () => StreamProtocol,
    { backlog = 100 }: ListenOptions,
  ) {
    this.#events = events;
    this.#socks = socks;
    this.#factory = factory;
    this.#backlog = backlog;
    this.sockets = socks.map((sock) => new NativeTransportSocket(sock));
  }

  start(server: Server): void {
    for (const sock of this.#socks) {
      sock.listen(this.#backlog);
      this.#events.own(sock.fileno());
      this.#watch(sock, server);
    }
  }

  close(): void {
    for (const sock of this.#socks) {
      this.#events.remove("reader", sock.fileno());
      this.#events.disown(sock.fileno());
      sock.close();
    }
  }

  #watch(sock: Socket, server: Server): void {
    if (sock.fileno() >= 0) this.#events.add("reader", sock.fileno(), () => this.#acceptAll(sock, server));
  }

  /** As many as may have queued up; another iteration takes what came meanwhile. */
  #acceptAll(sock: Socket, server: Server): void {
    for (let count = 0; count <= this.#backlog && sock.fileno() >= 0; count++) {
      try {
        this.#accept(sock, server);
      } catch (error) {
        const errno = error instanceof OSError ? error.errno : undefined;
        if (TRY_AGAIN_LATER.includes(errno)) return;
        if (!OUT_OF_RESOURCES.includes(errno)) throw error;
        this.#pause(sock, server, error);
        return;
      }
    }
  }

  #accept(sock: Socket, server: Server): void {
    const [connection, peername] = sock.accept();
    try {
      new SocketTransport(this.#events, connection, this.#factory(), { server, peername }).begin();
    } catch (exception) {
      connection.close();
      this.#events.loop.callExceptionHandler({
        message: "Error on transport creation for incoming connection",
        exception,
        socket: connection,
      });
    }
  }

  #pause(sock: Socket, server: Server, exception: unknown): void {
    this.#events.loop.callExceptionHandler({
      message: "socket.accept() out of system resource",
      exception,
      socket: sock,
    });
    this.#events.remove("reader", sock.fileno());
    this.#events.loop.callLater(ACCEPT_RETRY_DELAY, () => this.#watch(sock, server));
  }
}
