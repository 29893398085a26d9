import type { Readable } from "node:stream";
import type { BaseEventLoop } from "../../core/base-events.ts";
import type { PipeProtocol, ReadPipe } from "../pipes.ts";
import { ReadPipeTransport } from "../read-pipe-transport.ts";
import { fromNode } from "./errors.ts";
import { Incoming } from "./incoming.ts";
import { StreamClaim } from "./stream-claim.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * A transport for a stream of Node's, which belongs to it from now on. As with sockets, Node's events only note what
 * happened, and the protocol is told in the loop's turn, one piece in an iteration.
 */
export class NodeReadPipe extends ReadPipeTransport {
  readonly #stream: Readable;
  readonly #claim: StreamClaim;
  readonly #incoming: Incoming;
  readonly #reader: Wakeup;

  /** `pipe` is what the user gave. Throws RuntimeError if another transport reads from the stream. */
  constructor(loop: BaseEventLoop, stream: Readable, pipe: ReadPipe, protocol: PipeProtocol) {
    super(loop, pipe, protocol);
    this.#claim = new StreamClaim(loop, stream, "reading");
    this.#stream = stream;
    this.#incoming = new Incoming(stream);
    this.#reader = new Wakeup(loop, () => this.#deliver());
    this.#listen();
  }

  #listen(): void {
    const stream = this.#stream;
    // First of all: a listener for data would start the reading otherwise.
    stream.pause();
    this.#claim.on("data", (chunk: Buffer | string) => {
      this.#incoming.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      this.#queueReader();
    });
    this.#claim.on("end", () => this.#onEnd());
    this.#claim.on("close", () => this.#onEnd());
    this.#claim.on("error", (error: NodeJS.ErrnoException) => {
      this.#incoming.fail(fromNode(error));
      this.#queueReader();
    });
    if (stream.readableEnded || stream.destroyed) this.#incoming.end();
  }

  #onEnd(): void {
    this.#incoming.end();
    this.#queueReader();
  }

  #queueReader(): void {
    if (this.isReading()) this.#reader.queue();
  }

  /** Deliver what is there already; if there is nothing, let Node read. */
  protected override startReading(): void {
    if (!this.#incoming.isEmpty()) this.#reader.queue();
    else if (this.#stream.isPaused()) this.#stream.resume();
  }

  protected override stopReading(): void {
    this.#stream.pause();
  }

  #deliver(): void {
    if (!this.isReading() || this.#incoming.isEmpty()) return;
    const chunk = this.#incoming.shift();
    if (chunk !== null) this.#receive(chunk);
    else if (this.#incoming.error === null) this.receiveEof();
    else this.fail(this.#incoming.error);
  }

  #receive(chunk: Buffer): void {
    try {
      this.receive(chunk);
    } finally {
      if (this.isReading()) this.startReading();
    }
  }

  protected override closePipe(): void {
    this.#incoming.clear();
    this.#claim.release(false);
  }

  override toString(): string {
    return `<ReadPipeTransport ${this.stateName}>`;
  }
}
