import { realpathSync } from "node:fs";
import { sep } from "node:path";
import {
  OSError,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { openAnswer } from "./files.ts";
import { HttpError, type Request, readRequest, type Steps } from "./request.ts";
import { head, send } from "./response.ts";

/** The longest head of a request, in bytes. */
const LIMIT = 16 * 1024;

/** How many seconds a client may take to send a request, and to close after us. */
const PATIENCE = 30;
const LINGER = 2;

/** Serves the files below a folder: GET and HEAD, by HTTP/1.1 and 1.0. */
export class FileServer {
  readonly #root: string;
  readonly #patience: number;
  /** The connections without a request at the moment. */
  readonly #idle = new Set<StreamWriter>();
  #server!: Server;

  constructor(root: string, patience = PATIENCE) {
    const real = realpathSync.native(root);
    this.#root = real.endsWith(sep) ? real : real + sep;
    this.#patience = patience;
  }

  /** Gives the port, which the system chooses if `port` is 0. */
  async start(host: string, port: number): Promise<number> {
    const serve = (reader: StreamReader, writer: StreamWriter) => this.#serve(reader, writer);
    this.#server = await startServer(serve, host, port, { limit: LIMIT });
    return this.#server.sockets[0]!.getsockname()![1] as number;
  }

  /** Answer what was asked, for up to `drain` seconds; nothing else. */
  async stop(drain: number): Promise<void> {
    const closing = this.#server.close({ drain });
    for (const writer of this.#idle) writer.close();
    await closing;
  }

  *#serve(reader: StreamReader, writer: StreamWriter): Steps<void> {
    try {
      while (yield* this.#serveNext(reader, writer));
      if (!reader.atEof()) yield* linger(reader, writer);
    } catch (error) {
      // Clients may go at any time, or their network.
      if (!(error instanceof OSError)) throw error;
    } finally {
      writer.close();
    }
  }

  /** False if the connection is at its end. */
  *#serveNext(reader: StreamReader, writer: StreamWriter): Steps<boolean> {
    let request: Request | null = null;
    try {
      request = yield* this.#nextRequest(reader, writer);
      if (request === null) return false;
      yield* send(openAnswer(this.#root, request), writer);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const keepAlive = request?.keepAlive ?? false;
      writer.write(head(error.status, error.headers, keepAlive));
    }
    yield* writer.drain();
    return request?.keepAlive ?? false;
  }

  *#nextRequest(reader: StreamReader, writer: StreamWriter): Steps<Request | null> {
    if (!this.#server.isServing()) return null;
    this.#idle.add(writer);
    try {
      return yield* timeout(this.#patience, () => readRequest(reader));
    } catch (error) {
      throw error instanceof TimeoutError ? new HttpError(408) : error;
    } finally {
      this.#idle.delete(writer);
    }
  }
}

/** Closing a connection with unread bytes resets it, and the answer may be lost: let the client finish. */
function* linger(reader: StreamReader, writer: StreamWriter): Steps<void> {
  writer.writeEof();
  try {
    yield* timeout(LINGER, () => readToEnd(reader));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
}

function* readToEnd(reader: StreamReader): Steps<void> {
  while ((yield* reader.read(LIMIT)).length > 0);
}
