import { Duplex, type Readable, type Writable } from "node:stream";
import { osError } from "../core/errors.ts";

type Done = (error?: Error | null) => void;

/**
 * One stream of Node's that reads from one stream and writes to another; null for the side that it has not. Each of them
 * is used in its one direction only: where that has come to its end, the stream is left alone, or whoever reads what a
 * `gzip` makes of it would miss the rest.
 */
export class JoinedStreams extends Duplex {
  readonly #source: Readable | null;
  readonly #sink: Writable | null;

  constructor(source: Readable | null, sink: Writable | null) {
    // A variable, because the declared type forgets two of these.
    const options = { allowHalfOpen: true, readable: source !== null, writable: sink !== null };
    super(options);
    this.#source = source;
    this.#sink = sink;
    if (source !== null) this.#listen(source);
    if (sink !== null) this.#watch(sink, () => sink.writableFinished);
    if (sink?.destroyed && !sink.writableFinished) this.destroy(sink.errored ?? closedEarly());
  }

  #listen(source: Readable): void {
    source.pause();
    source.on("data", (chunk: Buffer | string) => {
      if (!this.#take(chunk)) source.pause();
    });
    source.on("end", () => this.push(null));
    this.#watch(source, () => source.readableEnded);
    if (source.readableEnded) this.push(null);
    else if (source.destroyed) this.#break(source.errored ?? closedEarly());
  }

  #watch(stream: Readable | Writable, hasEnded: () => boolean): void {
    stream.on("error", (error) => this.#break(error));
    stream.on("close", () => {
      if (!hasEnded()) this.#break(stream.errored ?? closedEarly());
    });
  }

  /** What a stream decoded, it gets encoded again. */
  #take(chunk: Buffer | string): boolean {
    return this.push(chunk, this.#source?.readableEncoding ?? undefined);
  }

  /** What had been read before goes first. */
  #break(error: Error): void {
    if (this.destroyed) return;
    const source = this.#source;
    // Now that it delivers nothing more by itself.
    if (source?.errored || source?.closed) {
      for (let chunk = source.read(); chunk !== null; chunk = source.read()) this.#take(chunk);
    }
    this.destroy(error);
  }

  override _read(): void {
    this.#source?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#sink!.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    const sink = this.#sink!;
    const last = chunks.length - 1;
    sink.cork();
    chunks.forEach(({ chunk }, i) => void sink.write(chunk, i === last ? done : undefined));
    sink.uncork();
  }

  override _final(done: Done): void {
    this.#sink!.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    const [source, sink] = [this.#source, this.#sink];
    if (source?.readableEnded === false) source.destroy(error ?? undefined);
    // Without an error a web stream would be closed, as if that were all.
    if (sink?.writableFinished === false) sink.destroy(error ?? aborted());
    done(error);
  }
}

function closedEarly(): Error {
  return osError("ECONNRESET", "the stream was closed before its end");
}

function aborted(): Error {
  return osError("ECONNABORTED", "the stream was given up before its end");
}
