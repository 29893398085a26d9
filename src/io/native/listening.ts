import { constants } from "node:os";
import { ACCEPT_RETRY_DELAY } from "../../core/constants.ts";
import { isFatal, OSError } from "../../core/errors.ts";
import { Frame } from "../../core/execution.ts";
import type { Address } from "../address.ts";
import type { ListenOptions, Waiting } from "../backend.ts";
import { bindToAll } from "../binding.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Listener, Server } from "../server.ts";
import {
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../socket-constants.ts";
import { socketFamily } from "./connecting.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";
import { SocketTransport } from "./socket-transport.ts";
import { NativeTransportSocket } from "./trsock.ts";

const { EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN, EINTR, ECONNABORTED } = constants.errno;

/** The system is out of something; the listening socket stays readable, so going on at once would spin. */
const OUT_OF_RESOURCES: readonly (number | undefined)[] = [EMFILE, ENFILE, ENOBUFS, ENOMEM];
const TRY_AGAIN_LATER: readonly (number | undefined)[] = [EAGAIN, EINTR, ECONNABORTED];

/** Bound sockets for the addresses of `hosts`; all or none. */
export function* bindAll(
  hosts: readonly (string | null)[],
  port: number,
  options: ListenOptions,
): Waiting<Socket[]> {
  const sockets: Socket[] = [];
  try {
    yield* bindToAll(hosts, port, options, function* ({ address, family }) {
      sockets.push(bind([address, port], socketFamily(family), options));
    });
    return sockets;
  } catch (error) {
    for (const sock of sockets) sock.close();
    throw error;
  }
}

function bind(address: Address, family: number, options: ListenOptions): Socket {
  const sock = new Socket(family, SOCK_STREAM, IPPROTO_TCP);
  try {
    if (options.reuseAddress !== false) sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) sock.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    // The connections inherit it.
    if (options.keepAlive) sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    // Otherwise "::" takes the port for IPv4 too, and the socket for IPv4 cannot have it.
    if (family === AF_INET6) sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    sock.bind(address);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** Accepts connections at sockets that are bound, and makes their transports. */
export class SocketListener implements Listener {
  readonly sockets: readonly NativeTransportSocket[];
  readonly #events: SelectorEvents;
  readonly #socks: readonly Socket[];
  readonly #factory: () => StreamProtocol;
  readonly #backlog: number;
  /** That of all connections: one for each of them would be several times as large as what they need else. */
  #frame: Frame | undefined;

  constructor(
    events: SelectorEvents,
    socks: readonly Socket[],
    factory: () => StreamProtocol,
    { backlog = 100 }: ListenOptions,
  ) {
    this.#events = events;
    this.#socks = socks;
    this.#factory = factory;
    this.#backlog = Math.max(backlog, 0);
    this.sockets = socks.map((sock) => new NativeTransportSocket(sock));
    for (const sock of socks) events.own(sock);
  }

  start(server: Server): void {
    this.#frame = new Frame();
    for (const sock of this.#socks) {
      sock.listen(this.#backlog);
      this.#watch(sock, server);
    }
  }

  acceptWaiting(server: Server): void {
    for (const socket of this.#socks) {
      try {
        this.#acceptAll(socket, server);
      } catch (exception) {
        if (isFatal(exception)) throw exception;
        const message = "socket.accept() failed, right before the socket is closed";
        this.#events.loop.callExceptionHandler({ message, exception, socket });
      }
    }
  }

  close(): void {
    for (const sock of this.#socks) this.#events.closeOwned(sock);
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
      const options = { server, peername, ...(this.#frame && { frame: this.#frame }) };
      new SocketTransport(this.#events, connection, this.#factory(), options).begin();
    } catch (exception) {
      this.#events.closeOwned(connection);
      if (isFatal(exception)) throw exception;
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
