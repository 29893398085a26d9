import { ConnectionResetError } from "../../core/errors.ts";
import type { TlsTransport } from "./tls-transport.ts";

/** How a handshake ends. One of them is called, perhaps more than once, at any time. */
export interface HandshakeOutcome {
  secured(makeTransport: () => TlsTransport): void;
  failed(error: Error): void;
}

/** What stands on the plain transport of a connection: in the handshake, and after it below the TLS transport. */
export interface Handshake {
  /** The transport has received this, in memory that is used again. */
  receive(data: Buffer): void;
  /** The transport will receive nothing more. */
  receiveEof(): void;
  /** Nothing more is to be written, if that is possible. */
  pauseWriting(): void;
  resumeWriting(): void;
  /** It is over. The plain transport is left alone. */
  destroy(): void;
}

export function endedInHandshake(): Error {
  return new ConnectionResetError("ECONNRESET", "the connection ended in the middle of the TLS handshake");
}
