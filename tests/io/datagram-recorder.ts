import {
  type Address,
  type CreateDatagramEndpointOptions,
  DatagramProtocol,
  type DatagramTransport,
  type EventLoop,
  type Future,
} from "../../src/index.ts";
import type { Bench } from "./backends.ts";

/** A protocol that notes what it is told. Give it `on…` functions for what else it should do. */
export class DatagramRecorder extends DatagramProtocol {
  readonly calls: string[] = [];
  readonly datagrams: [text: string, addr: Address | null][] = [];
  readonly data: Buffer[] = [];
  readonly errors: Error[] = [];
  lostWith: Error | null = null;
  onMade: (transport: DatagramTransport) => void = () => {};
  onDatagram: (data: Buffer, addr: Address | null) => void = () => {};
  onError: (error: Error) => void = () => {};
  onPause: () => void = () => {};
  readonly #loop: EventLoop;
  #transport: DatagramTransport | null = null;
  #next: Future<void> | null = null;

  constructor(
    loop: EventLoop,
    does: Partial<Pick<DatagramRecorder, `on${string}` & keyof DatagramRecorder>> = {},
  ) {
    super();
    this.#loop = loop;
    Object.assign(this, does);
  }

  get transport(): DatagramTransport {
    if (this.#transport === null) throw new Error("connectionMade was not called yet");
    return this.#transport;
  }

  get address(): Address {
    return this.transport.getExtraInfo("sockname")!;
  }

  /** Wait until the method was called so often. */
  async called(method: string, times = 1): Promise<void> {
    while (this.calls.filter((call) => call === method).length < times) {
      this.#next ??= this.#loop.createFuture<void>();
      await this.#next;
    }
  }

  /** Wait until `count` datagrams came in, and give them as text. */
  async receives(count: number): Promise<string[]> {
    await this.called("datagramReceived", count);
    return this.datagrams.map(([text]) => text);
  }

  override connectionMade(transport: DatagramTransport): void {
    this.#transport = transport;
    this.#note("connectionMade");
    this.onMade(transport);
  }

  override datagramReceived(data: Buffer, addr: Address | null): void {
    this.data.push(data);
    this.datagrams.push([data.toString("latin1"), addr]);
    this.#note("datagramReceived");
    this.onDatagram(data, addr);
  }

  override errorReceived(error: Error): void {
    this.errors.push(error);
    this.#note("errorReceived");
    this.onError(error);
  }

  override connectionLost(error: Error | null): void {
    this.lostWith = error;
    this.#note("connectionLost");
  }

  override pauseWriting(): void {
    this.#note("pauseWriting");
    this.onPause();
  }

  override resumeWriting(): void {
    this.#note("resumeWriting");
  }

  #note(method: string): void {
    this.calls.push(method);
    this.#next?.setResult(undefined);
    this.#next = null;
  }
}

export const LOOPBACK = { localAddr: ["127.0.0.1", 0] } as const;

/** An endpoint with a recorder, aborted after the test. */
export async function endpoint(
  { loop, defer }: Bench,
  options: CreateDatagramEndpointOptions = LOOPBACK,
  does: ConstructorParameters<typeof DatagramRecorder>[1] = {},
): Promise<DatagramRecorder> {
  const [transport, recorder] = await loop.createDatagramEndpoint(
    () => new DatagramRecorder(loop, does),
    options,
  );
  defer(async () => {
    transport.abort();
    await recorder.called("connectionLost");
  });
  return recorder;
}

/** The address of a recorder, as `[host, port]`. */
export function hostAddress(recorder: DatagramRecorder): [host: string, port: number] {
  const [host, port] = recorder.address as readonly [string, number];
  return [host, port];
}
