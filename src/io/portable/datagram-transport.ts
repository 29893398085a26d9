import type { BaseEventLoop } from "../../core/base-events.ts";
import { OSError } from "../../core/errors.ts";
import { Deque } from "../../sync/deque.ts";
import type { Address } from "../address.ts";
import { BaseDatagramTransport, HEADER_SIZE } from "../datagram-transport.ts";
import type { DatagramProtocol } from "../protocols.ts";
import { SOCK_DGRAM } from "../socket-constants.ts";
import { type Target, targetOf } from "./datagram-address.ts";
import type { OpenDatagramSocket } from "./datagram-socket.ts";
import { fromNode } from "./errors.ts";
import { PortableTransportSocket } from "./trsock.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * A transport for datagrams on a socket of Node's, which belongs to it from now on.
 *
 * Node calls when it likes; the protocol is called in the loop's turn only. Reading cannot be paused, so all that came in
 * is delivered in one iteration: left for later ones, it would pile up.
 */
export class DatagramSocketTransport extends BaseDatagramTransport {
  readonly #socket: OpenDatagramSocket;
  readonly #view: PortableTransportSocket;
  readonly #reader: Wakeup;
  readonly #writer: Wakeup;
  readonly #failures = new Deque<Error>();
  /** How many datagrams Node has not called back for. */
  #inFlight = 0;
  #closed = false;

  constructor(loop: BaseEventLoop, socket: OpenDatagramSocket, protocol: DatagramProtocol) {
    super(loop, protocol, socket.remote);
    const { sockname, peername } = socket;
    this.#socket = socket;
    this.#reader = new Wakeup(loop, () => this.#deliver());
    this.#writer = new Wakeup(loop, () => this.#flushed());
    this.#view = new PortableTransportSocket(sockname, peername, SOCK_DGRAM);
    this.extra.socket = this.#view;
    this.extra.sockname = sockname;
    this.extra.peername = peername;
  }

  /** What the kernel did not take. */
  override getWriteBufferSize(): number {
    if (this.#closed) return 0;
    const { node } = this.#socket;
    return node.getSendQueueSize() + HEADER_SIZE * node.getSendQueueCount();
  }

  protected override startReceiving(): void {
    const { arrivals } = this.#socket;
    arrivals.onArrival = () => this.#reader.queue();
    if (!arrivals.isEmpty()) this.#reader.queue();
  }

  protected override stopReceiving(): void {
    this.#socket.arrivals.end();
  }

  #deliver(): void {
    const { arrivals } = this.#socket;
    try {
      while (!arrivals.isEmpty()) {
        const arrival = arrivals.shift();
        if (arrival instanceof Error) this.receiveError(arrival);
        else this.receive(...arrival);
      }
    } finally {
      // An error of the protocol's own is reported; it does not keep the others from it.
      if (!arrivals.isEmpty()) this.#reader.queue();
    }
  }

  protected override send(bytes: Uint8Array, addr: Address | null): void {
    const { node } = this.#socket;
    const target = this.#targetOf(addr);
    if (target === undefined) return;
    this.#inFlight++;
    // A copy: Node may keep it for a while, and the caller may use its memory again.
    if (target === null) node.send(Buffer.from(bytes), this.#onSent);
    else node.send(Buffer.from(bytes), target.port, target.host, this.#onSent);
    this.pauseIfAboveHigh();
  }

  /** Undefined where the system has no such address; the protocol is told. */
  #targetOf(addr: Address | null): Target | null | undefined {
    if (addr === null) return null;
    try {
      return targetOf(this.#socket.kind, addr);
    } catch (error) {
      if (!(error instanceof OSError)) throw error;
      this.receiveError(error);
      return undefined;
    }
  }

  readonly #onSent = (error: Error | null): void => {
    this.#inFlight--;
    if (error !== null) this.#failures.push(fromNode(error));
    if (error !== null || this.protocolPaused || this.closing) this.#writer.queue();
  };

  #flushed(): void {
    if (this.lost > 0) return;
    try {
      while (this.#failures.length > 0) this.receiveError(this.#failures.shift());
    } finally {
      if (this.#failures.length > 0) this.#writer.queue();
    }
    this.sentSome();
  }

  protected override allSent(): boolean {
    return this.#inFlight === 0 && this.#failures.length === 0;
  }

  /** At once, not with connectionLost: what is buffered must not go out in between. */
  protected override dropBuffer(): void {
    this.closeSocket();
  }

  protected override closeSocket(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.node.close();
    this.#view.markClosed();
  }

  override toString(): string {
    return `<DatagramTransport ${this.stateName} buffered=${this.getWriteBufferSize()}>`;
  }
}
