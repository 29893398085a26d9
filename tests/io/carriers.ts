import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket as NodeSocket } from "node:net";
import {
  type ClientConnectedCallback,
  type Server,
  type StreamProtocol,
  startServer,
  startUnixServer,
} from "../../src/index.ts";
import { type Bench, idle } from "./backends.ts";
import { nodeClient, pattern, portOf } from "./recorder.ts";
import { opensslSkip } from "./tls/certificates.ts";
import { nodeTlsClient, serverContext } from "./tls/support.ts";
import { newPath, unixSkip } from "./unix-support.ts";

export const KiB = 1024;
export const MiB = 1024 * KiB;

/** A client of Node's, which shares no code with our transports. */
export interface Peer {
  readonly socket: NodeSocket;
  /** Break the connection. A unix socket has no reset: it breaks by what it was sent and did not read. */
  reset(): void;
}

/** What our streams go over. */
export interface Carrier {
  readonly name: "TCP" | "unix" | "TLS";
  readonly skip: string | false;
  /** Our server, to which `connect` makes connections. */
  startServer(bench: Bench, handler: ClientConnectedCallback): Promise<Served>;
  createServer(bench: Bench, factory: () => StreamProtocol): Promise<Served>;
}

interface Served {
  readonly server: Server;
  connect(): Promise<Peer>;
}

const tcp: Carrier = {
  name: "TCP",
  skip: false,
  startServer: async (bench, handler) => overTcp(bench, await startServer(handler, "127.0.0.1", 0)),
  createServer: async (bench, factory) =>
    overTcp(bench, await bench.loop.createServer(factory, "127.0.0.1", 0)),
};

const unix: Carrier = {
  name: "unix",
  skip: unixSkip,
  async startServer(bench, handler) {
    const path = newPath(bench);
    return overUnix(bench, await startUnixServer(handler, path), path);
  },
  async createServer(bench, factory) {
    const path = newPath(bench);
    return overUnix(bench, await bench.loop.createUnixServer(factory, path), path);
  },
};

const tls: Carrier = {
  name: "TLS",
  skip: opensslSkip,
  startServer: async (bench, handler) =>
    overTls(bench, await startServer(handler, "127.0.0.1", 0, { ssl: serverContext() })),
  createServer: async (bench, factory) =>
    overTls(bench, await bench.loop.createServer(factory, "127.0.0.1", 0, { ssl: serverContext() })),
};

export const carriers: readonly Carrier[] = [tcp, unix, tls];

/** Those with connections that end one way and go on the other. */
export const halfOpenCarriers: readonly Carrier[] = [tcp, unix];

function overTcp(bench: Bench, server: Server): Served {
  const connectOne = async () => {
    const socket = await nodeClient(bench, portOf(server.sockets[0]!));
    return { socket, reset: () => socket.resetAndDestroy() };
  };
  return closedAfter(bench, server, connectOne);
}

function overUnix(bench: Bench, server: Server, path: string): Served {
  const connectOne = async () => {
    const socket = connect({ path, allowHalfOpen: true });
    bench.defer(() => socket.destroy());
    socket.pause();
    await once(socket, "connect");
    socket.on("error", () => {});
    return { socket, reset: () => socket.destroy() };
  };
  return closedAfter(bench, server, connectOne);
}

function overTls(bench: Bench, server: Server): Served {
  const connectOne = async () => {
    const { client, raw } = await nodeTlsClient(bench, portOf(server.sockets[0]!));
    client.pause();
    return { socket: client, reset: () => raw.resetAndDestroy() };
  };
  return closedAfter(bench, server, connectOne);
}

function closedAfter({ defer }: Bench, server: Server, connectOne: () => Promise<Peer>): Served {
  defer(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return { server, connect: connectOne };
}

/** Run `body`, which must not leave a file descriptor open, whatever happens in it. */
export async function leavingNoFile(bench: Bench, body: (bench: Bench) => Promise<void>): Promise<void> {
  const before = openFiles();
  const cleanUps: (() => unknown)[] = [];
  try {
    await body({ ...bench, defer: (cleanUp) => cleanUps.push(cleanUp) });
  } finally {
    while (cleanUps.length > 0) await cleanUps.pop()!();
  }
  for (let patience = 50; openFiles() > before && patience > 0; patience--) await idle();
  assert.ok(openFiles() <= before, `${before} files were open before, ${openFiles()} after`);
}

/** How many file descriptors this process has; 0 where that is not known. */
function openFiles(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

export const HUGE = pattern(64 * MiB);
export const CHUNK = 64 * KiB;

export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export const HUGE_DIGEST = digest(HUGE);

/** {@link HUGE}, a chunk after the other. */
export function chunks(): Uint8Array[] {
  return Array.from({ length: HUGE.length / CHUNK }, (_, i) => HUGE.subarray(i * CHUNK, (i + 1) * CHUNK));
}

/** The digest of all that comes from the other side until it ends; `pause` comes before each piece. */
export async function digestOf(
  socket: NodeSocket,
  pause: () => Promise<unknown> = async () => {},
): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    hash.update(piece as Buffer);
    await pause();
  }
  return hash.digest("hex");
}

/** Has a peer send, and knows how far it is. */
export class Sender {
  /** How many bytes the kernel, or TLS and then the kernel, took. */
  sent = 0;
  readonly #socket: NodeSocket;

  constructor(socket: NodeSocket) {
    this.#socket = socket;
  }

  /** Send {@link HUGE} and end, one chunk at a time. */
  async sendHuge(): Promise<void> {
    for (const chunk of chunks()) {
      await new Promise<void>((resolve) => this.#socket.write(chunk, () => resolve()));
      this.sent += chunk.length;
    }
    this.#socket.end();
  }

  /** Wait until no more is taken, for as long as anything on loopback would need. */
  async stalled(): Promise<number> {
    for (let before = -1; before < this.sent; ) {
      before = this.sent;
      for (let i = 0; i < 10; i++) await idle();
    }
    return this.sent;
  }
}

/** The most memory that somebody holds, and the most that is buffered, while something goes on. */
export class Peak {
  memory = 0;
  buffered = 0;
  readonly #before = memoryInUse();
  #next = 0;

  /** Now and then, for looking takes a while. */
  look(buffered = 0): void {
    this.buffered = Math.max(this.buffered, buffered);
    if (this.#next++ % 250 === 0) this.memory = Math.max(this.memory, memoryInUse() - this.#before);
  }
}

/** What buffers of this process take that somebody still has. */
function memoryInUse(): number {
  assert.ok(globalThis.gc, "run the tests with --expose-gc");
  // The first finds what is free, and the second waits until it is freed.
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().arrayBuffers;
}
