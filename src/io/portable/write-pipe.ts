import type { Writable } from "node:stream";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { WritePipe } from "../pipes.ts";
import type { BaseProtocol } from "../protocols.ts";
import { WritePipeTransport } from "../write-pipe-transport.ts";
import { fromNode } from "./errors.ts";
import { StreamClaim } from "./stream-claim.ts";
import { Wakeup } from "./wakeup.ts";

/** A transport for a stream of Node's, which belongs to it from now on. */
export class NodeWritePipe extends WritePipeTransport {
  readonly #stream: Writable;
  readonly #claim: StreamClaim;
  readonly #writer: Wakeup;
  #stopped = false;
  /** Whether all was sent that was to be sent. */
  #complete = true;
  #error: Error | null = null;

  /** `pipe` is what the user gave. Throws RuntimeError if another transport writes to the stream. */
  constructor(loop: BaseEventLoop, stream: Writable, pipe: WritePipe, protocol: BaseProtocol) {
    super(loop, pipe, protocol);
    this.#claim = new StreamClaim(loop, stream, "writing");
    this.#stream = stream;
    this.#writer = new Wakeup(loop, () => this.#proceed());
    this.#claim.on("error", (error: NodeJS.ErrnoException) => {
      this.#error ??= fromNode(error);
      this.#writer.queue();
    });
    this.#claim.on("close", () => this.#writer.queue());
  }

  /** Bytes that the kernel took a part of count as a whole until it has them all: Node does not tell. */
  override getWriteBufferSize(): number {
    return this.#stopped ? 0 : this.#stream.writableLength;
  }

  protected override send(chunks: Uint8Array[]): void {
    this.#stream.cork();
    for (const chunk of chunks) this.#stream.write(chunk, this.#onWritten);
    this.#stream.uncork();
  }

  /** Node's stream tells when it breaks. */
  protected override watchReader(): void {
    if (this.#stream.destroyed) this.#writer.queue();
  }

  readonly #onWritten = (): void => {
    if (!this.#stopped) this.#writer.queue();
  };

  #proceed(): void {
    if (this.#stopped) return;
    // Node calls back for the failed write first, and tells of the error later.
    const { errored } = this.#stream;
    if (errored) this.#error ??= fromNode(errored);
    if (this.#error !== null) this.fail(this.#error);
    else if (this.#stream.destroyed) this.readerGone();
    else this.sentSome();
  }

  protected override stop(): void {
    this.#complete = this.#error === null && this.getWriteBufferSize() === 0;
    this.#stopped = true;
  }

  protected override closePipe(): void {
    this.#claim.release(this.#complete);
  }

  override toString(): string {
    return `<WritePipeTransport ${this.stateName} buffered=${this.getWriteBufferSize()}>`;
  }
}
