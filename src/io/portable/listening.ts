import { type ListenOptions as NodeListenOptions, Server as NodeServer, type Socket } from "node:net";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { isFatal, NotImplementedError } from "../../core/errors.ts";
import { setResultUnlessDone } from "../../core/futures.ts";
import type { Address } from "../address.ts";
import type { ListenOptions, Waiting } from "../backend.ts";
import { bindToAll } from "../binding.ts";
import type { StreamProtocol } from "../protocols.ts";
import type { Listener, Server } from "../server.ts";
import { addressOf, type SocketNames } from "./addresses.ts";
import { fromNode } from "./errors.ts";
import type { OpenHandles } from "./open-handles.ts";
import { SocketTransport } from "./socket-transport.ts";
import { PortableTransportSocket } from "./trsock.ts";
import { assertFits, bindError, UnixServer } from "./unix.ts";
import { Wakeup } from "./wakeup.ts";

const NODE_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true } as const;

/**
 * Accepts connections by servers of Node's, and makes their transports.
 *
 * Node cannot bind without listening at once. So connections can come in before `start`; they wait, unread, as many as
 * the backlog would hold. The native backend refuses them.
 *
 * When the process has no file descriptors left, Node drops the connections that wait, and does not say so. The native
 * backend reports it, and leaves them waiting.
 */
export class PortableListener implements Listener {
  readonly sockets: PortableTransportSocket[] = [];
  readonly #loop: BaseEventLoop;
  readonly #factory: () => StreamProtocol;
  readonly #options: ListenOptions;
  readonly #servers: NodeServer[] = [];
  readonly #open: OpenHandles;
  #waiting: Socket[] = [];
  /** Those of each connection, if this is a unix socket: Node does not tell them. Hardly any client has a name. */
  #unixNames: SocketNames | undefined;
  /** Null before `start`. */
  #acceptor: Wakeup | null = null;
  #server: Server | null = null;

  constructor(loop: BaseEventLoop, factory: () => StreamProtocol, options: ListenOptions, open: OpenHandles) {
    this.#open = open;
    this.#loop = loop;
    this.#factory = factory;
    this.#options = options;
  }

  /** Bind to all addresses of `hosts`; those that this machine does not have may be missing, but not all of them. */
  listenAtAll(hosts: readonly (string | null)[], port: number): Waiting<void> {
    const { reusePort = false } = this.#options;
    assertReuseAddress(this.#options);
    // Without `ipv6Only`, "::" takes the port for IPv4 too, and the socket for IPv4 cannot have it.
    return bindToAll(hosts, port, this.#options, ({ address }) =>
      this.#listen({ host: address, port, reusePort, ipv6Only: true }),
    );
  }

  /** Listen at the unix socket `path`. */
  *listenAtPath(path: string): Waiting<void> {
    assertFits(path, "bind");
    const node = new UnixServer(NODE_OPTIONS);
    try {
      yield* this.#listen({ path }, node);
    } catch (error) {
      throw bindError(error, path);
    }
    node.path = path;
  }

  /** Listen at a bound socket; `name` is its address, where Node does not know it. */
  *listenOn(fd: number, name: Address | null): Waiting<void> {
    yield* this.#listen({ fd }, new NodeServer(NODE_OPTIONS), name);
  }

  start(server: Server): void {
    for (const node of this.#servers) node.maxConnections = Number.POSITIVE_INFINITY;
    this.#server = server;
    this.#acceptor = new Wakeup(this.#loop, () => this.#acceptAll(server));
    this.#queueAcceptor();
  }

  close(): void {
    for (const node of this.#servers) node.close();
    // Node has accepted these already: their clients would see a connection that breaks.
    if (this.#server !== null && !this.#loop.isClosed()) this.#acceptAll(this.#server);
    for (const socket of this.#waiting) socket.destroy();
    for (const socket of this.sockets) socket.markClosed();
    this.#waiting = [];
  }

  *#listen(
    where: NodeListenOptions & { fd?: number },
    node = new NodeServer(NODE_OPTIONS),
    name: Address | null = null,
  ): Waiting<void> {
    this.#prepare(node);
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
    this.#add(node, name);
  }

  #prepare(node: NodeServer): void {
    node.maxConnections = Math.max(this.#options.backlog ?? 100, 1);
    node.unref();
    node.on("connection", (socket: Socket) => {
      // Until its transport listens to it.
      socket.on("error", () => {});
      socket.unref();
      if (this.#options.keepAlive) socket.setKeepAlive(true);
      this.#open.add(socket);
      this.#waiting.push(socket);
      this.#queueAcceptor();
    });
    node.on("error", (error) => this.#onError(error));
  }

  #add(node: NodeServer, name: Address | null): void {
    this.#open.add(node);
    this.#servers.push(node);
    const sockname = nameOf(node) ?? name ?? "";
    this.sockets.push(new PortableTransportSocket(sockname, null));
    if (typeof sockname === "string") this.#unixNames = { sockname, peername: "" };
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
      new SocketTransport(this.#loop, socket, this.#factory(), server, this.#unixNames).begin();
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

function nameOf(node: NodeServer): Address | null {
  const address = node.address();
  if (address === null || typeof address === "string") return address;
  return addressOf(address.address, address.port);
}

/** Node sets SO_REUSEADDR where that means what it does in Unix, and cannot be told otherwise. */
function assertReuseAddress({ reuseAddress }: ListenOptions): void {
  const always = process.platform !== "win32";
  if (reuseAddress === undefined || reuseAddress === null || reuseAddress === always) return;
  throw new NotImplementedError(
    `reuseAddress: ${reuseAddress} is not possible on the portable backend, because Node ` +
      `${always ? "always" : "never"} reuses addresses; use the native backend (Linux, with koffi installed), or bind a ` +
      "socket and pass it as `sock`",
  );
}
