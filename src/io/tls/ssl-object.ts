import type { CipherNameAndProtocol } from "node:tls";

/** What can be asked of the TLS of a connection, in Node's terms. Python: `ssl.SSLObject`. */
export interface SSLObject {
  readonly encrypted: true;
  /** Whether it is over. What it is asked then, it may not know any more. */
  readonly destroyed: boolean;
  /** Whether the other side has a certificate that is trusted. `getExtraInfo("peercert")` is that. */
  readonly authorized: boolean;
  /** The protocol above TLS that both sides speak; false if they did not agree on one. */
  readonly alpnProtocol: string | false | null;
  /** The version of TLS: `"TLSv1.3"`, … */
  getProtocol(): string | null;
  /** How the connection is encrypted. */
  getCipher(): CipherNameAndProtocol;
  /** The message by which this side ended the last handshake. */
  getFinished(): Buffer | undefined;
  /** The message by which the other side ended the last handshake. */
  getPeerFinished(): Buffer | undefined;
  /** Whether the keys are those of an earlier connection. */
  isSessionReused(): boolean;
  /** A secret of this connection alone, for a protocol above it (RFC 5705). */
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
}
