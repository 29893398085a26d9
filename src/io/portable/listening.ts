import { type ListenOptions as NodeListenOptions, Server as NodeServer, type Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { isFatal } from "../../core/errors.ts";
import { setResultUnlessDone } from "../../core/futures.ts";
import type { ListenOptions, Waiting } from "../backend.ts";
import { bindToAll } from "../binding.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Listener, Server } from "../server.ts";
import { addressOf } from "./addresses.ts";
import { fromNode } from "./errors.ts";
import type { OpenHandles } from "./open-handles.ts";
import { SocketTransport } from "./socket-transport.ts";
import { PortableTransportSocket } from "./trsock.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * Accepts connections by servers of Node's, and makes their transports.
 *
 * Node cannot bind without listening at once. So connections can come in before `start`; they wait, unread, as many as
 * the backlog would hold. The native backend refuses them.
 */
export class PortableListener implements Listener {
  readonly sockets: PortableTransportSocket[] = [];
  readonly #loop: BaseEventLoop;
  readonly #factory: () => StreamProtocol;
  readonly #options: ListenOptions;
  readonly #servers: NodeServer[] = [];
  readonly #open: OpenHandles;
  #waiting: Socket[] = [];
  /** Null before `start`. */
  #acceptor: Wakeup | null = null;

  constructor(loop: BaseEventLoop, factory: () => StreamProtocol, options: ListenOptions, open: OpenHandles) {
    this.#open = open;
    this.#loop = loop;
    this.#factory = factory;
    this.#options = options;
  }

  /** Bind to all addresses of `hosts`; those that this machine does not have may be missing, but not all of them. */
  listenAtAll(hosts: readonly (string | null)[], port: number): Waiting<void> {
    const { family = 0, reusePort = false } = this.#options;
    // Without `ipv6Only`, "::" takes the port for IPv4 too, and the socket for IPv4 cannot have it.
    return bindToAll(hosts, port, family, ({ address }) =>
      this.#listen({ host: address, port, reusePort, ipv6Only: true }),
    );
  }

  /** Listen at a bound socket. */
  *listenOn(fd: number): Waiting<void> {
    yield* this.#listen({ fd });
  }

  start(server: Server): void {
    for (const node of this.#servers) node.maxConnections = Number.POSITIVE_INFINITY;
    this.#acceptor = new Wakeup(this.#loop, () => this.#acceptAll(server));
    this.#queueAcceptor();
  }

  close(): void {
    for (const node of this.#servers) node.close();
    for (const socket of this.#waiting) socket.destroy();
    for (const socket of this.sockets) socket.markClosed();
    this.#waiting = [];
  }

  *#listen(where: NodeListenOptions & { fd?: number }): Waiting<void> {
    const node = this.#makeServer();
    const listening = this.#loop.createFuture<void>();
    node.once("listening", () => {
      setResultUnlessDone(listening, undefined);
    });
    node.once("error", (error) => {
      if (!listening.done()) listening.setException(fromNode(error));
    });
    // Without `exclusive` a worker of node:cluster would share the socket of its primary.
    node.listen({ ...where, backlog: this.#options.backlog ?? 100, exclusive: true });
    try {
      yield* listening;
    } catch (error) {
      node.close();
      throw error;
    }
    this.#add(node);
  }

  #makeServer(): NodeServer {
    const node = new NodeServer({ allowHalfOpen: true, pauseOnConnect: true });
    node.maxConnections = Math.max(this.#options.backlog ?? 100, 1);
    node.unref();
    node.on("connection", (socket: Socket) => {
      // Until its transport listens to it.
      socket.on("error", () => {});
      socket.unref();
      this.#open.add(socket);
      this.#waiting.push(socket);
      this.#queueAcceptor();
    });
    node.on("error", (error) => this.#onError(error));
    return node;
  }

  #add(node: NodeServer): void {
    const address = node.address();
    const name =
      address === null || typeof address === "string"
        ? (address ?? "")
        : addressOf(address.address, address.port)!;
    this.#open.add(node);
    this.#servers.push(node);
    this.sockets.push(new PortableTransportSocket(name, null));
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (error.syscall !== "accept") return;
    this.#loop.callExceptionHandler({
      message: "socket.accept() out of system resource",
      exception: fromNode(error),
    });
  }

  #queueAcceptor(): void {
    if (this.#waiting.length > 0) this.#acceptor?.queue();
  }

  #acceptAll(server: Server): void {
    try {
      while (this.#waiting.length > 0) this.#accept(this.#waiting.shift()!, server);
    } finally {
      // Only where a fatal error broke it off: the others are accepted when the loop runs again.
      this.#queueAcceptor();
    }
  }

  #accept(socket: Socket, server: Server): void {
    try {
      new SocketTransport(this.#loop, socket, this.#factory(), server).begin();
    } catch (exception) {
      socket.destroy();
      if (isFatal(exception)) throw exception;
      this.#loop.callExceptionHandler({
        message: "Error on transport creation for incoming connection",
        exception,
      });
    }
  }
}
