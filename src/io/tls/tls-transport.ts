import { NotImplementedError, TimeoutError } from "../../core/errors.ts";
import { logger } from "../../core/log.ts";
import { StreamTransport } from "../stream-transport.ts";

/**
 * A stream of bytes that goes encrypted over another transport. It cannot be half-open: when the other side ends, it is
 * closed. What `ssl` and `startTls` give; `transport instanceof TlsTransport` tells.
 */
export abstract class TlsTransport extends StreamTransport {
  /** Those that are one extend different classes, since different libraries do the work. */
  static override [Symbol.hasInstance](value: unknown): value is TlsTransport {
    return value instanceof StreamTransport && value.isTls;
  }

  /** Encrypted bytes that wait to be decrypted. Python: `get_read_buffer_size`. */
  abstract getReadBufferSize(): number;

  /** The marks of the read buffer, `[low, high]`, in bytes. Python: `get_read_buffer_limits`. */
  abstract getReadBufferLimits(): [low: number, high: number];

  /**
   * Set the marks, in bytes, of what waits to be decrypted: at `high` the transport below stops reading, at `low` it goes
   * on. By default `high` is 256 KiB, or four times `low`, and `low` a quarter of `high`.
   *
   * Throws ValueError unless high ≥ low ≥ 0. Python: `set_read_buffer_limits`.
   */
  abstract setReadBufferLimits(limits?: { high?: number; low?: number }): void;

  /**
   * @internal Tell the other side that nothing more comes, and go on to receive what it sends before it answers that.
   * For streams of Node's, which wait for the other side's end after theirs.
   */
  abstract endWriting(): void;

  /** @internal The transport below has received this, in memory that is used again. */
  abstract receive(data: Buffer): void;

  /** @internal The transport below is gone. What came in before an error is delivered first, when the protocol wants it. */
  abstract plainLost(error: Error | null): void;
}

export function noHalfOpenTls(): Error {
  return new NotImplementedError(
    "writeEof() is not possible with TLS, which has no half-open connections; use close()",
  );
}

export function warnOfHalfOpenTls(transport: TlsTransport): void {
  logger.warn(`eofReceived() returned true, but a TLS connection cannot stay half-open: ${transport}`);
}

export function shutdownTooSlow(): Error {
  return new TimeoutError("the other side did not end TLS in time");
}
