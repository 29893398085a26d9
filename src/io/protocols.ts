import type { Address } from "./address.ts";
import type { BaseTransport, DatagramTransport, Transport } from "./transports.ts";

/**
 * What the loop tells about a connection: first that it is made, last that it is lost, each once. Extend it, or one of
 * its kinds; every method does nothing by default. Python: `asyncio.BaseProtocol`.
 */
export abstract class BaseProtocol {
  /** The connection is there. Python: `connection_made`. */
  connectionMade(_transport: BaseTransport): void {}

  /** The connection is gone: null after `close()`, `abort()` or the peer's end, else the error. Python: `connection_lost`. */
  connectionLost(_error: Error | null): void {}

  /** The write buffer passed its high mark: stop writing. Called from inside `write()`. Python: `pause_writing`. */
  pauseWriting(): void {}

  /** The write buffer has drained to its low mark: go on writing. Python: `resume_writing`. */
  resumeWriting(): void {}
}

/** A protocol for a stream of bytes that takes them as they come. Python: `asyncio.Protocol`. */
export abstract class Protocol extends BaseProtocol {
  override connectionMade(_transport: Transport): void {}

  /** Some bytes came in: at least one, cut anywhere. They are yours to keep. Python: `data_received`. */
  dataReceived(_data: Buffer): void {}

  /**
   * The peer has ended its side. Return true to keep the connection open for writing; otherwise it is closed.
   * Python: `eof_received`.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a protocol need not return anything
  eofReceived(): boolean | void {}
}

/** A protocol for a stream of bytes that receives them into memory of its own. Python: `asyncio.BufferedProtocol`. */
export abstract class BufferedProtocol extends BaseProtocol {
  override connectionMade(_transport: Transport): void {}

  /**
   * Memory for the next bytes, at least one; `sizeHint` is a wish, -1 for none. Python: `get_buffer`.
   */
  abstract getBuffer(sizeHint: number): Uint8Array;

  /** So many bytes now stand at the start of the memory given last. Python: `buffer_updated`. */
  bufferUpdated(_count: number): void {}

  /** As {@link Protocol.eofReceived}. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a protocol need not return anything
  eofReceived(): boolean | void {}
}

/** A protocol for datagrams. Python: `asyncio.DatagramProtocol`. */
export abstract class DatagramProtocol extends BaseProtocol {
  override connectionMade(_transport: DatagramTransport): void {}

  /**
   * A datagram came in: a whole one, which can be empty, from `addr`; null if the sender has no address (unix). It is
   * yours to keep. Python: `datagram_received`.
   */
  datagramReceived(_data: Buffer, _addr: Address | null): void {}

  /**
   * The system refused to send a datagram, or could not deliver an earlier one. The endpoint stays open. Python:
   * `error_received`.
   */
  errorReceived(_error: Error): void {}
}

/** What a stream transport can feed. */
export type StreamProtocol = Protocol | BufferedProtocol;
