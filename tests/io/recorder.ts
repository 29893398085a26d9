import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  BufferedProtocol,
  type CreateServerOptions,
  type EventLoop,
  type Future,
  Protocol,
  type Server,
  type StreamProtocol,
  type Transport,
} from "../../src/index.ts";
import type { Bench } from "./backends.ts";

/** What every recording protocol has. */
export interface Recording {
  /** The names of the methods that were called, in order. */
  readonly calls: string[];
  readonly transport: Transport;
  readonly received: Buffer;
  readonly lostWith: Error | null;
  /** Wait until the method was called. */
  called(method: string): Promise<void>;
  /** Wait until at least `size` bytes came in, and give all that came. */
  receives(size: number): Promise<Buffer>;
}

/** Wakes up whoever waits for a change. */
class Changes {
  readonly #loop: EventLoop;
  #next: Future<void> | null = null;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  notify(): void {
    this.#next?.setResult(undefined);
    this.#next = null;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.#next ??= this.#loop.createFuture<void>();
      await this.#next;
    }
  }
}

/** A protocol that notes what it is told. Give it `on…` functions for what else it should do. */
export class Recorder extends Protocol implements Recording {
  readonly calls: string[] = [];
  readonly chunks: Buffer[] = [];
  lostWith: Error | null = null;
  size = 0;
  onMade: (transport: Transport) => void = () => {};
  onData: (data: Buffer) => void = () => {};
  onEof: () => boolean = () => false;
  onLost: (error: Error | null) => void = () => {};
  onPause: () => void = () => {};
  onResume: () => void = () => {};
  #transport: Transport | null = null;
  readonly #changes: Changes;

  constructor(loop: EventLoop, does: Partial<Pick<Recorder, `on${string}` & keyof Recorder>> = {}) {
    super();
    this.#changes = new Changes(loop);
    Object.assign(this, does);
  }

  get transport(): Transport {
    if (this.#transport === null) throw new Error("connectionMade was not called yet");
    return this.#transport;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  called(method: string): Promise<void> {
    return this.#changes.until(() => this.calls.includes(method));
  }

  async receives(size: number): Promise<Buffer> {
    await this.#changes.until(() => this.size >= size);
    return this.received;
  }

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
    this.#note("connectionMade");
    this.onMade(transport);
  }

  override dataReceived(data: Buffer): void {
    this.chunks.push(data);
    this.size += data.length;
    this.#note("dataReceived");
    this.onData(data);
  }

  override eofReceived(): boolean {
    this.#note("eofReceived");
    return this.onEof();
  }

  override connectionLost(error: Error | null): void {
    this.lostWith = error;
    this.#note("connectionLost");
    this.onLost(error);
  }

  override pauseWriting(): void {
    this.#note("pauseWriting");
    this.onPause();
  }

  override resumeWriting(): void {
    this.#note("resumeWriting");
    this.onResume();
  }

  #note(method: string): void {
    this.calls.push(method);
    this.#changes.notify();
  }
}

/** A recorder that receives into memory of its own, of `room` bytes. */
export class BufferedRecorder extends BufferedProtocol implements Recording {
  readonly calls: string[] = [];
  readonly memory: Uint8Array;
  received = Buffer.alloc(0);
  lostWith: Error | null = null;
  onBuffer: (sizeHint: number) => Uint8Array = () => this.memory;
  onUpdate: (count: number) => void = () => {};
  onEof: () => boolean = () => false;
  #transport: Transport | null = null;
  readonly #changes: Changes;

  constructor(loop: EventLoop, room: number) {
    super();
    this.#changes = new Changes(loop);
    this.memory = new Uint8Array(room);
  }

  get transport(): Transport {
    if (this.#transport === null) throw new Error("connectionMade was not called yet");
    return this.#transport;
  }

  called(method: string): Promise<void> {
    return this.#changes.until(() => this.calls.includes(method));
  }

  async receives(size: number): Promise<Buffer> {
    await this.#changes.until(() => this.received.length >= size);
    return this.received;
  }

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
    this.#note("connectionMade");
  }

  override getBuffer(sizeHint: number): Uint8Array {
    this.#note("getBuffer");
    return this.onBuffer(sizeHint);
  }

  override bufferUpdated(count: number): void {
    this.received = Buffer.concat([this.received, this.memory.subarray(0, count)]);
    this.#note("bufferUpdated");
    this.onUpdate(count);
  }

  override eofReceived(): boolean {
    this.#note("eofReceived");
    return this.onEof();
  }

  override connectionLost(error: Error | null): void {
    this.lostWith = error;
    this.#note("connectionLost");
  }

  #note(method: string): void {
    this.calls.push(method);
    this.#changes.notify();
  }
}

/** Sends back what it gets. */
export class Echo extends Protocol {
  #transport: Transport | null = null;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#transport!.write(data);
  }
}

/** A server on a port of its own at 127.0.0.1, closed after the test, with its connections. */
export async function serve(
  { loop, defer }: Bench,
  factory: () => StreamProtocol,
  options: CreateServerOptions = {},
): Promise<{ port: number; server: Server }> {
  const server = await loop.createServer(factory, "127.0.0.1", 0, options);
  defer(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return { port: portOf(server.sockets[0]!), server };
}

export function portOf(socket: { getsockname(): unknown }): number {
  return (socket.getsockname() as [string, number])[1];
}

/** Two protocols connected to each other, both told so; after the test the connection is aborted. */
export async function connected<L extends StreamProtocol & Recording, R extends StreamProtocol & Recording>(
  bench: Bench,
  left: L,
  right: R,
): Promise<void> {
  const { port } = await serve(bench, () => right);
  await bench.loop.createConnection(() => left, "127.0.0.1", port);
  bench.defer(async () => {
    left.transport.abort();
    await left.called("connectionLost");
  });
  await right.called("connectionMade");
}

/** As {@link connected}, with two plain recorders. */
export async function recorders(
  bench: Bench,
  leftDoes: ConstructorParameters<typeof Recorder>[1] = {},
  rightDoes: ConstructorParameters<typeof Recorder>[1] = {},
): Promise<[left: Recorder, right: Recorder]> {
  const left = new Recorder(bench.loop, leftDoes);
  const right = new Recorder(bench.loop, rightDoes);
  await connected(bench, left, right);
  return [left, right];
}

/** Write until the protocol is told to pause; gives all that was written. The other side must not be reading. */
export function fill(recorder: Recorder, chunkSize = 64 * 1024): Buffer {
  const chunks: Buffer[] = [];
  const paused = () => recorder.calls.findLast((call) => call.endsWith("Writing")) === "pauseWriting";
  while (!paused()) {
    const chunk = pattern(chunkSize, chunks.length);
    chunks.push(chunk);
    recorder.transport.write(chunk);
  }
  return Buffer.concat(chunks);
}

/** Bytes that show when some are missing, doubled or in another order. */
export function pattern(size: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0, x = seed + 1; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

/** A socket of Node's, connected to our server: a peer that shares no code with what is tested. */
export async function nodeClient({ defer }: Bench, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  defer(() => socket.destroy());
  socket.pause();
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** Our recorder at the server's side, and a socket of Node's as its client. */
export async function withNodeClient<R extends StreamProtocol & Recording>(
  bench: Bench,
  recorder: R,
): Promise<Socket> {
  const { port } = await serve(bench, () => recorder);
  const client = await nodeClient(bench, port);
  await recorder.called("connectionMade");
  return client;
}
