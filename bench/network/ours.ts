/** `node ours.ts --kind KIND [--backend portable] [--path PATH] [--cert FILE --key FILE]`: an echo server. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  type Address,
  BufferedProtocol,
  type Coroutine,
  createTask,
  DatagramProtocol,
  type DatagramTransport,
  EventLoop,
  Future,
  getRunningLoop,
  IPPROTO_TCP,
  run,
  Socket,
  type StreamProtocol,
  type Suspension,
  startServer,
  TCP_NODELAY,
  type Transport,
} from "../../src/index.ts";
import { Echo, serveAsync, serveGenerator } from "../echo.ts";

const { values: options } = parseArgs({
  options: {
    kind: { type: "string" },
    backend: { type: "string", default: "native" },
    path: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
  },
});

const HOST = "127.0.0.1";
const BACKLOG = 1024;
const READ = 64 * 1024;
/** For the streams: the longest line. */
const LIMIT = 2 ** 25;

class BufferedEcho extends BufferedProtocol {
  readonly #memory = Buffer.allocUnsafe(READ);
  #transport!: Transport;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override getBuffer(): Uint8Array {
    return this.#memory;
  }

  override bufferUpdated(count: number): void {
    // A copy: what the kernel does not take at once must not change.
    this.#transport.write(Buffer.from(this.#memory.subarray(0, count)));
  }
}

class DatagramEcho extends DatagramProtocol {
  #transport!: DatagramTransport;

  override connectionMade(transport: DatagramTransport): void {
    this.#transport = transport;
  }

  override datagramReceived(data: Buffer, addr: Address | null): void {
    this.#transport.sendto(data, addr);
  }
}

function* serveSocket(sock: Socket): Generator<Suspension, void, unknown> {
  const loop = getRunningLoop();
  sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
  for (;;) {
    const data = yield* loop.sockRecv(sock, READ);
    if (data.length === 0) break;
    yield* loop.sockSendall(sock, data);
  }
  sock.close();
}

function* acceptSockets(listener: Socket): Generator<Suspension, void, unknown> {
  const loop = getRunningLoop();
  for (;;) {
    const [sock] = yield* loop.sockAccept(listener);
    createTask(serveSocket(sock));
  }
}

function listenWithSocket(): number {
  const listener = new Socket();
  listener.bind([HOST, 0]);
  listener.listen(BACKLOG);
  createTask(acceptSockets(listener));
  return portOf(listener.getsockname());
}

async function listenForDatagrams(): Promise<number> {
  const localAddr = [HOST, 0] as const;
  const [transport] = await getRunningLoop().createDatagramEndpoint(() => new DatagramEcho(), { localAddr });
  return portOf(transport.getExtraInfo("sockname") as Address);
}

async function listenWithStreams(serve: Parameters<typeof startServer>[0]): Promise<number> {
  const server = await startServer(serve, HOST, 0, { backlog: BACKLOG, limit: LIMIT });
  return portOf(server.sockets[0]!.getsockname());
}

async function listenWithProtocol(factory: () => StreamProtocol): Promise<number> {
  const loop = getRunningLoop();
  const { path, cert, key } = options;
  if (path !== undefined) {
    await loop.createUnixServer(factory, path, { backlog: BACKLOG });
    return 0;
  }
  const ssl = cert && key ? { cert: readFileSync(cert), key: readFileSync(key) } : null;
  const server = await loop.createServer(factory, HOST, 0, { backlog: BACKLOG, ...(ssl && { ssl }) });
  return portOf(server.sockets[0]!.getsockname());
}

function portOf(address: Address): number {
  return Number(address[1]);
}

const LISTEN: Record<string, () => Promise<number> | Coroutine<number> | number> = {
  protocol: () => listenWithProtocol(() => new Echo()),
  buffered: () => listenWithProtocol(() => new BufferedEcho()),
  "streams-generator": () => listenWithStreams(serveGenerator),
  "streams-async": () => listenWithStreams(serveAsync),
  sock: listenWithSocket,
  udp: listenForDatagrams,
};

async function main(): Promise<void> {
  console.log(JSON.stringify({ port: await LISTEN[options.kind!]!() }));
  await new Future();
}

await run(main, {
  loopFactory: () => new EventLoop({ backend: options.backend === "portable" ? "portable" : "native" }),
});
