import {
  type Address,
  type Future,
  getRunningLoop,
  openConnection,
  Protocol,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
} from "../../src/index.ts";
import { Echo } from "../echo.ts";
import { elapsed } from "./heap.ts";
import type { Prepare, Probe, Quantity } from "./quantity.ts";

const HOST = "127.0.0.1";

class Client extends Protocol {
  #transport!: Transport;
  #missing = 0;
  #complete: Future<void> | null = null;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#missing -= data.length;
    if (this.#missing === 0) this.#complete!.setResult(undefined);
  }

  async exchange(message: Buffer): Promise<void> {
    this.#missing = message.length;
    this.#complete = getRunningLoop().createFuture();
    this.#transport.write(message);
    await this.#complete;
  }

  close(): void {
    this.#transport.close();
  }
}

const portOf = (server: Server): number => Number((server.sockets[0]!.getsockname() as Address)[1]);

async function protocol(n: number, stack: AsyncDisposableStack): Promise<Probe> {
  const loop = getRunningLoop();
  const server = await loop.createServer(() => new Echo(), HOST, 0);
  stack.defer(() => server.close());
  const [, client] = await loop.createConnection(() => new Client(), HOST, portOf(server));
  stack.defer(() => client.close());
  return probe(() => client.exchange(Buffer.alloc(n, "x")));
}

async function serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (;;) {
    const data = await reader.read(65_536);
    if (data.length === 0) break;
    writer.write(data);
    await writer.drain();
  }
  writer.close();
}

async function streams(n: number, stack: AsyncDisposableStack): Promise<Probe> {
  const server = await startServer(serve, HOST, 0);
  stack.defer(() => server.close());
  const [reader, writer] = await openConnection(HOST, portOf(server));
  stack.defer(() => writer.close());
  return probe(async () => {
    writer.write(Buffer.alloc(n, "x"));
    await reader.readexactly(n);
  });
}

function probe(exchange: () => Promise<void>): Probe {
  return {
    time: () => elapsed(exchange),
    // What is buffered for a moment is gone by now: the peak tells.
    memory: async () => process.resourceUsage().maxRSS * 1024,
  };
}

const series: Record<string, Prepare> = { protocol, streams };

export const messages: Quantity = {
  name: "messages",
  axis: "size of a message",
  unit: "B",
  operation: "to echo a message within one process",
  operations: () => 1,
  memory: "peak resident memory of the process",
  first: 64,
  last: 2 ** 24,
  factor: 4,
  series,
};
