import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { LOG_THRESHOLD_FOR_CONNLOST_WRITES } from "../core/constants.ts";
import { isFatal, ValueError } from "../core/errors.ts";
import { logger } from "../core/log.ts";
import type { Obligation } from "../core/obligations.ts";
import type { Address } from "./address.ts";
import type { DatagramProtocol } from "./protocols.ts";
import { type BytesLike, DatagramTransport, toBytes } from "./transports.ts";
import { mustBeClosed } from "./unclosed.ts";
import { Watermarks } from "./watermarks.ts";

/** What a datagram that waits costs besides its bytes: else empty ones would be free. */
export const HEADER_SIZE = 8;

/** The state of an endpoint for datagrams, apart from its socket, which both backends share. */
export abstract class BaseDatagramTransport extends DatagramTransport {
  /** @internal */
  protected readonly loop: BaseEventLoop;
  protected closing = false;
  /** Above 0 the endpoint is lost: `connectionLost` was called or queued. It counts the datagrams since. */
  protected lost = 0;
  /** Where all datagrams go, if the socket is not connected there. */
  readonly #remote: Address | null;
  #protocol: DatagramProtocol;
  readonly #marks = new Watermarks(
    () => this.#callProtocol("pauseWriting", () => this.#protocol.pauseWriting()),
    () => this.#callProtocol("resumeWriting", () => this.#protocol.resumeWriting()),
  );
  #closingOwed: Obligation | null = null;

  constructor(loop: BaseEventLoop, protocol: DatagramProtocol, remote: Address | null) {
    super();
    this.loop = loop;
    this.#protocol = protocol;
    this.#remote = remote;
  }

  /** Tell the protocol, then receive, then `made`: each in its own callback, in this order. */
  begin(made: () => void): void {
    this.#closingOwed = mustBeClosed(this, "transport", this.loop);
    this.loop.callSoon(() => this.#protocol.connectionMade(this));
    this.loop.callSoon(() => this.startReceiving());
    this.loop.callSoon(made);
  }

  protected abstract startReceiving(): void;
  protected abstract stopReceiving(): void;

  /** Send or buffer, to `target`, or where the socket is connected. The endpoint is there. */
  protected abstract send(bytes: Uint8Array, target: Address | null): void;

  /** Whether nothing is left to be sent. */
  protected abstract allSent(): boolean;

  /** Drop what is buffered. */
  protected abstract dropBuffer(): void;

  /** Give the socket back to the system. */
  protected abstract closeSocket(): void;

  override sendto(data: BytesLike, addr: Address | null = null): void {
    const bytes = toBytes(data);
    const target = this.#target(addr);
    if (this.#mayWrite()) this.send(bytes, target);
  }

  override isClosing(): boolean {
    return this.closing;
  }

  override getProtocol(): DatagramProtocol {
    return this.#protocol;
  }

  override setProtocol(protocol: DatagramProtocol): void {
    this.#protocol = protocol;
  }

  override getWriteBufferLimits(): [low: number, high: number] {
    return this.#marks.limits;
  }

  override setWriteBufferLimits(limits: { high?: number; low?: number } = {}): void {
    this.#marks.setLimits(limits);
    this.pauseIfAboveHigh();
  }

  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.stopReceiving();
    if (this.allSent()) this.#lose();
  }

  override abort(): void {
    if (this.lost > 0) return;
    this.closing = true;
    this.stopReceiving();
    this.dropBuffer();
    this.#lose();
  }

  protected receive(data: Buffer, addr: Address | null): void {
    this.#protocol.datagramReceived(data, addr);
  }

  protected receiveError(error: Error): void {
    this.#protocol.errorReceived(error);
  }

  protected get protocolPaused(): boolean {
    return this.#marks.paused;
  }

  protected pauseIfAboveHigh(): void {
    this.#marks.pauseIfAboveHigh(this.getWriteBufferSize());
  }

  /** Some of the buffer was sent; what waits for that goes on. */
  protected sentSome(): void {
    this.#marks.resumeIfBelowLow(this.getWriteBufferSize());
    if (this.closing && this.lost === 0 && this.allSent()) this.#lose();
  }

  protected get stateName(): string {
    if (this.lost > 0) return "closed";
    return this.closing ? "closing" : "open";
  }

  /** Null where the socket knows it: a socket that is connected has a peer. */
  #target(addr: Address | null): Address | null {
    const peer = this.extra.peername ?? null;
    const fixed = this.#remote ?? peer;
    if (fixed === null) {
      if (addr !== null) return addr;
      throw new TypeError("sendto() needs an address, because the endpoint is not connected to one");
    }
    if (addr !== null && !sameAddress(addr, fixed) && !(peer !== null && sameAddress(addr, peer)))
      throw new ValueError(`Invalid address: must be null or ${inspect(fixed)}, not ${inspect(addr)}`);
    return peer === null ? fixed : null;
  }

  #mayWrite(): boolean {
    if (this.lost === 0) return true;
    if (this.lost >= LOG_THRESHOLD_FOR_CONNLOST_WRITES) {
      logger.warn(`sendto() on a closed endpoint: ${this}`);
    }
    this.lost++;
    return false;
  }

  #lose(): void {
    this.lost++;
    this.#closingOwed?.settle();
    this.loop.callSoon(() => this.#connectionLost());
  }

  #connectionLost(): void {
    try {
      this.#protocol.connectionLost(null);
    } finally {
      this.closeSocket();
    }
  }

  /** An error of the flow-control callbacks is reported, and the endpoint goes on. */
  #callProtocol(method: string, call: () => void): void {
    try {
      call();
    } catch (exception) {
      if (isFatal(exception)) throw exception;
      const message = `protocol.${method}() failed`;
      this.loop.callExceptionHandler({ message, exception, transport: this, protocol: this.#protocol });
    }
  }
}

/** IPv6's flow label and scope are 0 where they are left out. */
function sameAddress(one: Address, other: Address): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  const [host, port, flowinfo = 0, scopeid = 0] = one;
  return (
    host === other[0] && port === other[1] && flowinfo === (other[2] ?? 0) && scopeid === (other[3] ?? 0)
  );
}
