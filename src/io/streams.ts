import { inspect } from "node:util";
import { Coroutine } from "../core/coroutines.ts";
import type { Waiting } from "./backend.ts";
import {
  type CreateConnectionOptions,
  type CreateServerOptions,
  type CreateUnixConnectionOptions,
  type CreateUnixServerOptions,
  getNetworkLoop,
  type NetworkLoop,
} from "./network-loop.ts";
import type { Server } from "./server.ts";
import { type ClientConnectedCallback, StreamReaderProtocol } from "./stream-protocol.ts";
import { DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";
import type { Transport } from "./transports.ts";
import type { UnixPath } from "./unix.ts";

export interface OpenConnectionOptions extends CreateConnectionOptions {
  /** The reader's limit: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

export interface StartServerOptions extends CreateServerOptions {
  /** The limit of each reader: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

export interface OpenUnixConnectionOptions extends CreateUnixConnectionOptions {
  /** The reader's limit: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

export interface StartUnixServerOptions extends CreateUnixServerOptions {
  /** The limit of each reader: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

/**
 * Connect to `port` of `host` by TCP, or use `options.sock`; gives a reader and a writer.
 *
 * Throws OSError if no address answers (ConnectionRefusedError, TimeoutError, …), gaierror if the name does not
 * resolve, ValueError if the arguments make no sense. Cancel safety: the attempt is given up, and its socket closed.
 * Python: `asyncio.open_connection`.
 */
export function openConnection(
  host: string | null = null,
  port: number | null = null,
  { limit = DEFAULT_LIMIT, ...options }: OpenConnectionOptions = {},
): Coroutine<[StreamReader, StreamWriter]> {
  const connect: Connect = (loop, factory) => loop.createConnection(factory, host, port, options);
  return new Coroutine(() => open(limit, connect), "openConnection");
}

/**
 * Connect to the unix socket `path`, or use `options.sock`; gives a reader and a writer. A `path` that begins with "\0"
 * is a name in Linux's abstract namespace.
 *
 * Throws OSError if that fails (FileNotFoundError, ConnectionRefusedError, …), ValueError if the arguments make no sense.
 * Cancel safety: the attempt is given up, and its socket closed. Python: `asyncio.open_unix_connection`.
 */
export function openUnixConnection(
  path: UnixPath | null = null,
  { limit = DEFAULT_LIMIT, ...options }: OpenUnixConnectionOptions = {},
): Coroutine<[StreamReader, StreamWriter]> {
  const connect: Connect = (loop, factory) => loop.createUnixConnection(factory, path, options);
  return new Coroutine(() => open(limit, connect), "openUnixConnection");
}

type Connect = (
  loop: NetworkLoop,
  factory: () => StreamReaderProtocol,
) => Coroutine<[Transport, StreamReaderProtocol]>;

function* open(limit: number, connect: Connect): Waiting<[StreamReader, StreamWriter]> {
  const loop = getNetworkLoop();
  const reader = new StreamReader({ limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const [transport] = yield* connect(loop, () => protocol);
  return [reader, new StreamWriter(transport, protocol, reader, loop)];
}

/**
 * Listen by TCP at `port` of `host` (of several hosts; of all interfaces, if null), or at `options.sock`, and call
 * `clientConnected(reader, writer)` for each connection. Port 0 lets the system choose one:
 * `server.sockets[0].getsockname()` tells it.
 *
 * An async function or a generator function runs in a task of its own. An error it throws is reported to the loop's
 * exception handler, and closes the connection, as cancelling the task does; when it returns, the connection stays open
 * until the writer is closed. A plain function is called at once; if it returns a coroutine, a generator or a promise,
 * a task waits for it.
 *
 * Throws OSError if an address cannot be had (`EADDRINUSE`, …), gaierror if a name does not resolve, TypeError if
 * `clientConnected` is not a function, ValueError if the other arguments make no sense. Cancel safety: nothing stays
 * bound. Python: `asyncio.start_server`.
 */
export function startServer(
  clientConnected: ClientConnectedCallback,
  host: string | readonly string[] | null = null,
  port: number | null = null,
  { limit = DEFAULT_LIMIT, ...options }: StartServerOptions = {},
): Coroutine<Server> {
  assertClientConnected("startServer", clientConnected);
  return new Coroutine(() => {
    const loop = getNetworkLoop();
    return loop.createServer(protocolFactory(loop, clientConnected, limit), host, port, options);
  }, "startServer");
}

/**
 * Listen at the unix socket `path`, or at `options.sock`, and call `clientConnected(reader, writer)` for each connection,
 * as {@link startServer} does. A socket that is there already is replaced, also if somebody still listens at it. Closing
 * the server removes the file, unless it has become another server's, or `cleanupSocket` is false.
 *
 * Throws OSError if the socket cannot be made (EADDRINUSE if `path` is there and is no socket, FileNotFoundError,
 * PermissionError, …), TypeError if `clientConnected` is not a function, ValueError if the other arguments make no
 * sense. Cancel safety: nothing stays bound. Python: `asyncio.start_unix_server`.
 */
export function startUnixServer(
  clientConnected: ClientConnectedCallback,
  path: UnixPath | null = null,
  { limit = DEFAULT_LIMIT, ...options }: StartUnixServerOptions = {},
): Coroutine<Server> {
  assertClientConnected("startUnixServer", clientConnected);
  return new Coroutine(() => {
    const loop = getNetworkLoop();
    return loop.createUnixServer(protocolFactory(loop, clientConnected, limit), path, options);
  }, "startUnixServer");
}

function assertClientConnected(caller: string, callback: unknown): void {
  if (typeof callback === "function") return;
  throw new TypeError(`${caller}() needs a function to call for each client, not ${inspect(callback)}`);
}

function protocolFactory(
  loop: NetworkLoop,
  clientConnected: ClientConnectedCallback,
  limit: number,
): () => StreamReaderProtocol {
  return () => new StreamReaderProtocol(new StreamReader({ limit, loop }), clientConnected, { loop });
}
