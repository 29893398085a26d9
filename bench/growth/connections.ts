import { fileURLToPath } from "node:url";
import { type Future, gather, getRunningLoop, Protocol, type Transport } from "../../src/index.ts";
import { ServerProcess } from "../server-process.ts";
import { missingNative, nodeCommand } from "../sides.ts";
import { elapsed } from "./heap.ts";
import type { Probe, Quantity } from "./quantity.ts";

const SERVER = fileURLToPath(new URL("../idle-connections/ours.ts", import.meta.url));
const BACKEND = missingNative === null ? "native" : "portable";
const MESSAGE = Buffer.alloc(64, "x");

/** How many connections are on their way at once: less than the server's backlog. */
const BATCH = 200;

/** What all connections have together. */
class Crowd {
  readonly #transports: Transport[] = [];
  #missing = 0;
  #complete: Future<void> | null = null;

  async connect(port: number, count: number): Promise<void> {
    const loop = getRunningLoop();
    while (this.#transports.length < count) {
      const batch = Math.min(BATCH, count - this.#transports.length);
      const connecting = Array.from({ length: batch }, () =>
        loop.createConnection(() => new Member(this), "127.0.0.1", port),
      );
      for (const [transport] of await gather(...connecting)) this.#transports.push(transport);
    }
  }

  /** Each sends a message and gets it back. */
  async exchange(): Promise<void> {
    this.#missing = MESSAGE.length * this.#transports.length;
    this.#complete = getRunningLoop().createFuture();
    for (const transport of this.#transports) transport.write(MESSAGE);
    await this.#complete;
  }

  received(count: number): void {
    this.#missing -= count;
    if (this.#missing === 0) this.#complete!.setResult(undefined);
  }
}

class Member extends Protocol {
  readonly #crowd: Crowd;

  constructor(crowd: Crowd) {
    super();
    this.#crowd = crowd;
  }

  override dataReceived(data: Buffer): void {
    this.#crowd.received(data.length);
  }
}

async function prepare(n: number, stack: AsyncDisposableStack): Promise<Probe> {
  const server = stack.use(new ServerProcess(nodeCommand(SERVER, BACKEND, "protocol")));
  const port = await server.port();
  const before = await server.memory();
  const crowd = new Crowd();
  await crowd.connect(port, n);
  return {
    time: () => elapsed(() => crowd.exchange()),
    memory: async () => (await server.memory()).heap! - before.heap!,
  };
}

export const connections: Quantity = {
  name: "connections",
  axis: "connections at a time",
  unit: "",
  operation: "to echo 64 bytes between two processes",
  operations: (n) => n,
  memory: "heap of the server",
  first: 1,
  last: 10_000,
  factor: Math.sqrt(10),
  series: { protocol: prepare },
};
