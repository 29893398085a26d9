import { constants } from "node:os";
import type { Duplex } from "node:stream";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { OSError, osError } from "../../core/errors.ts";
import type { StreamProtocol } from "../protocols.ts";
import { fromNode } from "./errors.ts";
import { NodeStreamTransport } from "./node-stream-transport.ts";
import type { StreamClaim } from "./stream-claim.ts";

/** What Node says of a stream that somebody else has ended or destroyed, in the system's words. */
const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ERR_STREAM_DESTROYED: "EPIPE",
  ERR_STREAM_WRITE_AFTER_END: "EPIPE",
  ERR_STREAM_PREMATURE_CLOSE: "ECONNRESET",
  ECANCELED: "ECONNRESET",
};

/**
 * A stream transport on any stream of Node's for bytes, which belongs to it from now on. What the stream breaks with is
 * what the connection is lost with, and nothing else is told of it.
 */
export class DuplexTransport extends NodeStreamTransport<Duplex> {
  readonly #claims: readonly StreamClaim[];
  #eofReceived = false;
  /** Whether Node gave up something that it had taken. */
  #unsent = false;

  /** `claims` are on the streams that `stream` was made of, if on any. */
  constructor(
    loop: BaseEventLoop,
    stream: Duplex,
    protocol: StreamProtocol,
    claims: readonly StreamClaim[] = [],
  ) {
    super(loop, stream, protocol, null);
    this.#claims = claims;
    stream.on("finish", () => this.queueWriter());
    stream.on("close", () => this.#onClose());
    if (stream.errored) this.onError(stream.errored);
    else if (stream.closed) this.#onClose();
    else if (stream.readableEnded) this.onEnd();
  }

  /** End the stream, once it has taken all; what it does at its end is waited for. */
  override close(): void {
    if (this.closing) return;
    this.closing = true;
    this.stream.pause();
    this.incoming.clear();
    if (this.stream.destroyed) this.#lossNoticed();
    else this.stream.end();
    this.queueWriter();
  }

  protected override forceClose(error: Error | null): void {
    if (this.lost > 0) return;
    this.closing = true;
    this.#destroy(error);
    this.lose(error);
  }

  /** After close() the stream is ended, and takes nothing more. */
  protected override send(bytes: Uint8Array): void {
    if (!this.closing) super.send(bytes);
  }

  protected override sendAll(chunks: Uint8Array[]): void {
    if (!this.closing) super.sendAll(chunks);
  }

  protected override onError(error: Error): void {
    if (this.lost > 0) return;
    this.incoming.fail(asOurs(error));
    this.queueReader();
    if (this.draining || this.closing) this.noticeLoss();
  }

  /** It comes last. Before the end it is an error, or what is missing would not be missed. */
  #onClose(): void {
    if (this.lost > 0 || this.stream.errored) return;
    if (!this.stream.readableEnded || (this.#eofReceived && !this.#hasSentAll())) {
      this.incoming.fail(endedEarly());
      this.queueReader();
    }
    if (this.draining || this.closing) this.noticeLoss();
    if (this.closing) this.queueWriter();
  }

  protected override onUnsent(): void {
    this.#unsent = true;
    this.noticeLoss();
  }

  /** An error comes behind the bytes that were read before it; where none are to come, it is the failure of what is to be written. */
  protected override noticeLoss(): void {
    if (!this.isReading() || this.#eofReceived) this.#lossNoticed();
  }

  #lossNoticed(): void {
    const { stream } = this;
    if (stream.errored) this.failWrite(asOurs(stream.errored));
    else if (stream.destroyed && !this.#hasSentAll()) this.failWrite(endedEarly());
  }

  /** It is not reported: whoever uses the streams gets it. */
  protected override fail(error: Error): void {
    this.forceClose(error);
  }

  protected override emptied(): void {
    if (this.closing && this.#hasSentAll()) this.lose(null);
  }

  /** A stream that has ended in both directions, or cannot be half-open, is closed. */
  protected override receiveEof(): void {
    this.#eofReceived = true;
    this.feed("eofReceived", () => {
      const keepOpen = this.getProtocol().eofReceived() && this.stream.allowHalfOpen;
      if (!keepOpen || this.stream.writableFinished || this.stream.destroyed) this.close();
    });
  }

  protected override closeSocket(): void {
    this.#destroy(null);
    for (const claim of this.#claims) claim.release(false);
  }

  /** Never without an error in the middle: for the other side it would be the end, or nothing at all. */
  #destroy(error: Error | null): void {
    const isWhole = this.#hasSentAll();
    this.stream.destroy(error ?? (isWhole ? undefined : aborted()));
  }

  /**
   * A stream of HTTP/2 that both sides have ended may be closed before it comes to say that it has finished, and before
   * it has sent what it was given last: for that, Node 24 tells later whether it was sent or given up.
   */
  #hasSentAll(): boolean {
    const stream: Duplex & { rstCode?: number } = this.stream;
    if (stream.writableFinished) return true;
    return stream.closed && stream.writableEnded && stream.rstCode === 0 && !this.#unsent;
  }

  override toString(): string {
    return `<DuplexTransport ${this.stateName} buffered=${this.getWriteBufferSize()}>`;
  }
}

/** As an OSError, if it is of the system's: Node makes up some without their numbers, such as those of its HTTP. */
function asOurs(error: NodeJS.ErrnoException): Error {
  if (error instanceof OSError || error.code === undefined) return error;
  const code = SYSTEM_CODES[error.code] ?? error.code;
  if (code === error.code && (error.errno !== undefined || !(code in constants.errno)))
    return fromNode(error);
  return osError(code, `${code}: ${error.message}`, { cause: error });
}

function endedEarly(): OSError {
  return osError("ECONNRESET", "the stream was closed before its end");
}

function aborted(): OSError {
  return osError("ECONNABORTED", "the transport was aborted");
}
