import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { OSError, osError, ValueError } from "../core/errors.ts";
import type { Address } from "./address.ts";
import { assertFactory } from "./arguments.ts";
import type { Backend, ListenOptions, SocketLike, Waiting } from "./backend.ts";
import type { CreateUnixConnectionOptions, CreateUnixServerOptions } from "./network-loop.ts";
import type { StreamProtocol } from "./protocols.ts";
import type { Listener, Server } from "./server.ts";
import { AF_UNIX, SOCK_STREAM } from "./socket-constants.ts";
import { isFileName, removeStaleSocket, SocketFile } from "./socket-file.ts";
import { serve } from "./tcp.ts";
import { connectSecurely, secureFactory } from "./tls/securing.ts";
import { clientSettings, serverSettings } from "./tls/tls-settings.ts";
import type { Transport } from "./transports.ts";
import type { TransportSocket } from "./trsock.ts";

/** Where a unix socket is: a path (also as its bytes, or a `file:` URL), or "\0" and a name in Linux's abstract namespace. */
export type UnixPath = string | Uint8Array | URL;

/** The work of `loop.createUnixConnection`. */
export function createUnixConnection<P extends StreamProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  path: UnixPath | null,
  { sock, ...tlsOptions }: CreateUnixConnectionOptions,
): Coroutine<[Transport, P]> {
  assertFactory(factory);
  const tls = clientSettings(null, tlsOptions);
  const where = pathOrSocket(path, sock);
  const connect = () =>
    connectSecurely(loop, factory, tls, (made) =>
      typeof where === "string" ? io.connectUnix(made, where) : io.adopt(made, where),
    );
  return new Coroutine(connect, "createUnixConnection");
}

/** The work of `loop.createUnixServer`. */
export function createUnixServer(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => StreamProtocol,
  path: UnixPath | null,
  {
    sock,
    startServing = true,
    cleanupSocket = true,
    ssl,
    sslHandshakeTimeout,
    sslShutdownTimeout,
    ...options
  }: CreateUnixServerOptions,
): Coroutine<Server> {
  assertFactory(factory);
  const made = secureFactory(loop, factory, serverSettings({ ssl, sslHandshakeTimeout, sslShutdownTimeout }));
  const where = pathOrSocket(path, sock);
  const listen = () =>
    typeof where === "string"
      ? listenAt(io, made, where, options, cleanupSocket)
      : listenOn(io, made, where, options, cleanupSocket);
  return serve(loop, listen, startServing, "createUnixServer");
}

/** The one that is given. */
function pathOrSocket(path: UnixPath | null, sock: SocketLike | null | undefined): string | SocketLike {
  if (path === null) {
    if (sock === undefined || sock === null) throw new ValueError("neither a path nor sock was specified");
    return checkedSocket(sock);
  }
  if (sock !== undefined && sock !== null)
    throw new ValueError("path and sock can not be specified at the same time");
  return checkedPath(path);
}

function checkedPath(path: UnixPath): string {
  const name = pathName(path);
  if (name === "") throw new ValueError("the path is empty");
  // The first one begins an abstract name, in which every byte counts.
  if (name.startsWith("\0") || !name.includes("\0")) return name;
  throw new ValueError(`a path cannot contain NUL: ${inspect(name)}`);
}

function pathName(path: UnixPath): string {
  if (typeof path === "string") return path;
  if (path instanceof URL) return fileURLToPath(path);
  if (path instanceof Uint8Array) return decoded(path);
  throw new TypeError(`path must be a string, a Uint8Array or a URL, not ${inspect(path)}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(path: Uint8Array): string {
  try {
    return utf8.decode(path);
  } catch (cause) {
    throw new ValueError(`the path is not UTF-8: ${inspect(path)}`, { cause });
  }
}

function checkedSocket(sock: SocketLike): SocketLike {
  const { family = AF_UNIX, type = SOCK_STREAM } = sock as Partial<TransportSocket>;
  if (family === AF_UNIX && type === SOCK_STREAM) return sock;
  throw new ValueError(`A UNIX Domain Stream Socket was expected, got ${sock}`);
}

function* listenAt(
  io: Backend,
  factory: () => StreamProtocol,
  path: string,
  options: ListenOptions,
  cleanup: boolean,
): Waiting<Listener> {
  if (isFileName(path)) removeStaleSocket(path);
  try {
    const listener = yield* io.listenUnix(factory, path, options);
    return withFile(listener, cleanup ? fileOf(path) : null);
  } catch (error) {
    if (!(error instanceof OSError) || error.code !== "EADDRINUSE") throw error;
    throw inUse(path, error);
  }
}

function* listenOn(
  io: Backend,
  factory: () => StreamProtocol,
  sock: SocketLike,
  options: ListenOptions,
  cleanup: boolean,
): Waiting<Listener> {
  // Before the backend takes the socket over.
  const file = cleanup ? fileOf((sock as Partial<TransportSocket>).getsockname?.()) : null;
  return withFile(yield* io.listenOn(factory, sock, options), file);
}

function inUse(path: string, cause: OSError): OSError {
  const { errno, syscall } = cause;
  return osError("EADDRINUSE", `Address ${inspect(path)} is already in use`, {
    cause,
    ...(errno !== undefined && { errno }),
    ...(syscall !== undefined && { syscall }),
  });
}

function fileOf(name: Address = ""): SocketFile | null {
  return typeof name === "string" && isFileName(name) ? new SocketFile(name) : null;
}

function withFile(listener: Listener, file: SocketFile | null): Listener {
  return file === null ? listener : new UnixListener(listener, file);
}

/** Removes the socket's file when it is closed. */
class UnixListener implements Listener {
  readonly #listener: Listener;
  readonly #file: SocketFile;

  constructor(listener: Listener, file: SocketFile) {
    this.#listener = listener;
    this.#file = file;
  }

  get sockets(): readonly TransportSocket[] {
    return this.#listener.sockets;
  }

  start(server: Server): void {
    this.#listener.start(server);
  }

  close(): void {
    this.#file.remove();
    this.#listener.close();
  }
}
