import { inspect } from "node:util";
import { Coroutine } from "../core/coroutines.ts";
import type { Waiting } from "./backend.ts";
import { type CreateConnectionOptions, type CreateServerOptions, getNetworkLoop } from "./network-loop.ts";
import type { Server } from "./server.ts";
import { type ClientConnectedCallback, StreamReaderProtocol } from "./stream-protocol.ts";
import { DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";

export interface OpenConnectionOptions extends CreateConnectionOptions {
  /** The reader's limit: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

export interface StartServerOptions extends CreateServerOptions {
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
  return new Coroutine(() => open(host, port, limit, options), "openConnection");
}

function* open(
  host: string | null,
  port: number | null,
  limit: number,
  options: CreateConnectionOptions,
): Waiting<[StreamReader, StreamWriter]> {
  const loop = getNetworkLoop();
  const reader = new StreamReader({ limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const [transport] = yield* loop.createConnection(() => protocol, host, port, options);
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
  if (typeof clientConnected !== "function") {
    throw new TypeError(
      `startServer() needs a function to call for each client, not ${inspect(clientConnected)}`,
    );
  }
  return new Coroutine(() => {
    const loop = getNetworkLoop();
    const factory = () =>
      new StreamReaderProtocol(new StreamReader({ limit, loop }), clientConnected, { loop });
    return loop.createServer(factory, host, port, options);
  }, "startServer");
}
