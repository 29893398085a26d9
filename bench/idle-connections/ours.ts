/** `node --expose-gc ours.ts native|portable protocol|generator|async`: an echo server. */

import {
  EventLoop,
  getRunningLoop,
  Protocol,
  run,
  type Server,
  type StreamReader,
  type StreamWriter,
  type Suspension,
  startServer,
  type Transport,
} from "../../src/index.ts";
import { tellMemory } from "./memory.ts";

class Echo extends Protocol {
  #transport: Transport | null = null;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#transport?.write(data);
  }
}

function* serveGenerator(reader: StreamReader, writer: StreamWriter): Generator<Suspension, void, unknown> {
  for (;;) {
    const line = yield* reader.readline();
    if (line.length === 0) break;
    writer.write(line);
    yield* writer.drain();
  }
  writer.close();
}

async function serveAsync(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (;;) {
    const line = await reader.readline();
    if (line.length === 0) break;
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

const LISTEN = ["127.0.0.1", 0, { backlog: 1024 }] as const;

function listen(api: string | undefined): PromiseLike<Server> {
  if (api === "generator") return startServer(serveGenerator, ...LISTEN);
  if (api === "async") return startServer(serveAsync, ...LISTEN);
  return getRunningLoop().createServer(() => new Echo(), ...LISTEN);
}

async function main(): Promise<void> {
  const server = await listen(api);
  tellMemory(Number(server.sockets[0]!.getsockname()[1]));
  await server.serveForever();
}

const [backend, api] = process.argv.slice(2);
await run(main, {
  loopFactory: () => new EventLoop({ backend: backend === "portable" ? "portable" : "native" }),
});
