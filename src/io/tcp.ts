import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { assertFactory, assertHost, assertNoAddress, checkedPort } from "./arguments.ts";
import type { Backend, Waiting } from "./backend.ts";
import type { CreateConnectionOptions, CreateServerOptions } from "./network-loop.ts";
import type { StreamProtocol } from "./protocols.ts";
import { type Listener, Server } from "./server.ts";
import type { Transport } from "./transports.ts";

/** The work of `loop.createConnection`. */
export function createConnection<P extends StreamProtocol>(
  io: Backend,
  factory: () => P,
  host: string | null,
  port: number | null,
  { sock, ...options }: CreateConnectionOptions,
): Coroutine<[Transport, P]> {
  assertFactory(factory);
  if (sock !== undefined) {
    assertNoAddress(host, port);
    return new Coroutine(() => io.adopt(factory, sock), "createConnection");
  }
  if (host === null && port === null)
    throw new ValueError("host and port was not specified and no sock specified");
  const target = host ?? "localhost";
  assertHost(target);
  const number = checkedPort(port);
  return new Coroutine(() => io.connect(factory, target, number, options), "createConnection");
}

/** The work of `loop.createServer`. */
export function createServer(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => StreamProtocol,
  host: string | readonly string[] | null,
  port: number | null,
  { sock, startServing = true, ...options }: CreateServerOptions,
): Coroutine<Server> {
  assertFactory(factory);
  if (sock !== undefined) {
    assertNoAddress(host, port);
    return serve(loop, () => io.listenOn(factory, sock, options), startServing);
  }
  if (host === null && port === null) throw new ValueError("Neither host/port nor sock were specified");
  const hosts = host === null || host === "" ? [null] : typeof host === "string" ? [host] : [...host];
  for (const one of hosts) if (one !== null) assertHost(one);
  const number = checkedPort(port ?? 0);
  return serve(loop, () => io.listen(factory, hosts, number, options), startServing);
}

function serve(
  loop: BaseEventLoop,
  listen: () => Waiting<Listener>,
  startServing: boolean,
): Coroutine<Server> {
  return new Coroutine(() => listenAndServe(loop, listen, startServing), "createServer");
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
