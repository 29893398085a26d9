import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { assertFactory, assertHost, assertNoAddress, checkedPort, hostList } from "./arguments.ts";
import type { Backend, SocketLike, Waiting } from "./backend.ts";
import type { CreateConnectionOptions, CreateServerOptions } from "./network-loop.ts";
import type { StreamProtocol } from "./protocols.ts";
import { type Listener, Server } from "./server.ts";
import { assertConnectOptions, assertListenOptions, assertStreamSocket } from "./tcp-options.ts";
import { connectSecurely, secureFactory } from "./tls/securing.ts";
import { clientSettings, serverSettings, type TlsServerOptions } from "./tls/tls-settings.ts";
import type { Transport } from "./transports.ts";

/** The work of `loop.createConnection`. */
export function createConnection<P extends StreamProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  host: string | null,
  port: number | null,
  { sock, ssl, serverHostname, sslHandshakeTimeout, sslShutdownTimeout, ...options }: CreateConnectionOptions,
): Coroutine<[Transport, P]> {
  assertFactory(factory);
  const tls = clientSettings(host, { ssl, serverHostname, sslHandshakeTimeout, sslShutdownTimeout });
  if (sock !== undefined && sock !== null) {
    assertNoAddress(host, port);
    assertStreamSocket(sock);
    const adopt = () => connectSecurely(loop, factory, tls, (made) => io.adopt(made, sock));
    return new Coroutine(adopt, "createConnection");
  }
  if (host === null && port === null)
    throw new ValueError("host and port was not specified and no sock specified");
  assertConnectOptions(options);
  if (host !== null) assertHost(host);
  const number = checkedPort(port);
  const connect = () =>
    connectSecurely(loop, factory, tls, (made) => io.connect(made, host, number, options));
  return new Coroutine(connect, "createConnection");
}

/** The work of `loop.connectAcceptedSocket`. */
export function connectAcceptedSocket<P extends StreamProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  sock: SocketLike,
  options: TlsServerOptions,
): Coroutine<[Transport, P]> {
  assertFactory(factory);
  assertStreamSocket(sock);
  const tls = serverSettings(options);
  const adopt = () => connectSecurely(loop, factory, tls, (made) => io.adopt(made, sock));
  return new Coroutine(adopt, "connectAcceptedSocket");
}

/** The work of `loop.createServer`. */
export function createServer(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => StreamProtocol,
  host: string | readonly string[] | null,
  port: number | null,
  {
    sock,
    startServing = true,
    ssl,
    sslHandshakeTimeout,
    sslShutdownTimeout,
    ...options
  }: CreateServerOptions,
): Coroutine<Server> {
  assertFactory(factory);
  const made = secureFactory(loop, factory, serverSettings({ ssl, sslHandshakeTimeout, sslShutdownTimeout }));
  assertListenOptions(options);
  if (sock !== undefined && sock !== null) {
    assertNoAddress(host, port);
    assertStreamSocket(sock);
    return serve(loop, () => io.listenOn(made, sock, options), startServing);
  }
  if (host === null && port === null) throw new ValueError("Neither host/port nor sock were specified");
  const hosts = hostList(host);
  const number = checkedPort(port ?? 0);
  return serve(loop, () => io.listen(made, hosts, number, options), startServing);
}

/** A server for what `listen` gives, as the coroutine `name`. */
export function serve(
  loop: BaseEventLoop,
  listen: () => Waiting<Listener>,
  startServing: boolean,
  name = "createServer",
): Coroutine<Server> {
  return new Coroutine(() => listenAndServe(loop, listen, startServing), name);
}

function* listenAndServe(
  loop: BaseEventLoop,
  listen: () => Waiting<Listener>,
  startServing: boolean,
): Waiting<Server> {
  const server = new Server(loop, yield* listen());
  if (startServing) yield* startOrClose(server);
  return server;
}

function* startOrClose(server: Server): Waiting<void> {
  try {
    yield* server.startServing();
  } catch (error) {
    server.close();
    throw error;
  }
}
