import type { BaseEventLoop } from "../core/base-events.ts";
import type { Coroutine } from "../core/coroutines.ts";
import { NotImplementedError } from "../core/errors.ts";
import { getRunningLoop } from "../core/events.ts";
import type { ConnectOptions, ListenOptions, SocketLike } from "./backend.ts";
import type { StreamProtocol } from "./protocols.ts";
import type { Server } from "./server.ts";
import type { TlsClientOptions, TlsServerOptions } from "./tls/tls-settings.ts";
import type { Transport } from "./transports.ts";
import type { UnixPath } from "./unix.ts";

export interface CreateConnectionOptions extends ConnectOptions, TlsClientOptions {
  /** A connected socket to use, instead of a host and a port; it belongs to the transport then. */
  sock?: SocketLike | null;
}

export interface CreateServerOptions extends ListenOptions, TlsServerOptions {
  /** A bound socket to use, instead of a host and a port; it belongs to the server then. */
  sock?: SocketLike | null;
  /** Whether to accept connections at once; true by default. If not, call `server.startServing()`. */
  startServing?: boolean;
}

export interface CreateUnixConnectionOptions extends TlsClientOptions {
  /** A connected unix socket to use, instead of a path; it belongs to the transport then. */
  sock?: SocketLike | null;
}

export interface CreateUnixServerOptions extends Pick<ListenOptions, "backlog">, TlsServerOptions {
  /** A bound unix socket to use, instead of a path; it belongs to the server then. */
  sock?: SocketLike | null;
  /** Whether to accept connections at once; true by default. If not, call `server.startServing()`. */
  startServing?: boolean;
  /** Whether closing the server removes the socket's file, if it still is this server's; true by default. */
  cleanupSocket?: boolean;
}

/** What the streams need of a loop, in this room's terms: the loop that has it is put together further up. */
export interface NetworkLoop extends BaseEventLoop {
  createConnection<P extends StreamProtocol>(
    factory: () => P,
    host: string | null,
    port: number | null,
    options?: CreateConnectionOptions,
  ): Coroutine<[Transport, P]>;

  createServer(
    factory: () => StreamProtocol,
    host: string | readonly string[] | null,
    port: number | null,
    options?: CreateServerOptions,
  ): Coroutine<Server>;

  createUnixConnection<P extends StreamProtocol>(
    factory: () => P,
    path: UnixPath | null,
    options?: CreateUnixConnectionOptions,
  ): Coroutine<[Transport, P]>;

  createUnixServer(
    factory: () => StreamProtocol,
    path: UnixPath | null,
    options?: CreateUnixServerOptions,
  ): Coroutine<Server>;
}

/** The running loop. Throws RuntimeError if none runs, NotImplementedError if it has no network. */
export function getNetworkLoop(): NetworkLoop {
  const loop = getRunningLoop() as BaseEventLoop & Partial<NetworkLoop>;
  if (typeof loop.createConnection === "function" && typeof loop.createServer === "function") {
    return loop as NetworkLoop;
  }
  throw new NotImplementedError(`${loop} has no network: run the program with run(), or in an EventLoop`);
}
