import { Duplex } from "node:stream";
import type { BaseEventLoop } from "../core/base-events.ts";
import type { Coroutine } from "../core/coroutines.ts";
import { NO_ERROR } from "../core/futures.ts";
import type { Task } from "../core/tasks.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { StreamWriter } from "./stream-writer.ts";
import { TlsTransport } from "./tls/tls-transport.ts";

/** How much is handed on at once, in bytes: what Node's own sockets read. */
const CHUNK = 64 * 1024;

/**
 * A connection as a stream of Node's, for whatever takes one: `http.Server`, `pipeline`, parsers, … The duplex owns the
 * reader and the writer from now on: reads only when it is read, waits where the other side is slow, closes the
 * connection when it is destroyed or both sides have ended. `Duplex.toWeb(toDuplex(reader, writer))` makes web streams.
 *
 * ```ts
 * const http = createServer((request, response) => response.end("hello"));
 * await startServer((reader, writer) => void http.emit("connection", toDuplex(reader, writer)), "127.0.0.1", 8080);
 * ```
 *
 * The connection's loop must run for as long as it is used. What it throws, the stream emits as `error`.
 */
export function toDuplex(reader: StreamReader, writer: StreamWriter): Duplex {
  return new StreamDuplex(reader, writer);
}

type Done = (error?: Error | null) => void;

class StreamDuplex extends Duplex {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #loop: BaseEventLoop;
  readonly #waiting = new Set<Task<unknown>>();

  constructor(reader: StreamReader, writer: StreamWriter) {
    super();
    this.#reader = reader;
    this.#writer = writer;
    this.#loop = writer.loop;
  }

  override _read(): void {
    this.#run(
      () => this.#reader.read(CHUNK),
      (chunk) => this.push(chunk.length > 0 ? chunk : null),
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#drained(() => this.#writer.write(chunk), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#drained(() => this.#writer.writelines(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    // A connection by TLS ends for both sides at once: when the other side has ended, there is nothing left to say.
    if (this.#writer.isClosing()) {
      done();
      return;
    }
    this.#drained(() => {
      const { transport } = this.#writer;
      if (transport instanceof TlsTransport) transport.endWriting();
      else if (transport.canWriteEof()) transport.writeEof();
    }, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    for (const task of this.#waiting) task.cancel();
    const isWhole = error === null && this.writableFinished;
    if (isWhole) this.#writer.close();
    else this.#writer.transport.abort();
    done(error);
  }

  #drained(write: () => void, done: Done): void {
    try {
      write();
    } catch (error) {
      done(asError(error));
      return;
    }
    this.#run(
      () => this.#writer.drain(),
      () => done(),
      (error) => done(error),
    );
  }

  /** In a task of its own: Node may call from within somebody's task, whose end is not that of this wait. */
  #run<T>(wait: () => Coroutine<T>, then: (value: T) => void, fail: (error: Error) => void): void {
    const task = this.#loop.createTask(wait, { name: "toDuplex" });
    this.#waiting.add(task);
    task.addDoneCallback(() => {
      this.#waiting.delete(task);
      if (task.cancelled()) return;
      const error = task.takeError();
      if (error === NO_ERROR) then(task.result());
      else fail(asError(error));
    });
  }
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value), { cause: value });
}
