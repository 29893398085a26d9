import { Duplex, Readable, type Stream, Writable } from "node:stream";
import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { getRunningLoop } from "../core/events.ts";
import { JoinedStreams } from "./joined-streams.ts";
import { DuplexTransport } from "./portable/duplex-transport.ts";
import { StreamClaim } from "./portable/stream-claim.ts";
import { StreamReaderProtocol } from "./stream-protocol.ts";
import { DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";

/** What bytes are read from: a stream of Node's, or a web stream. */
export type AnyReadable = Readable | ReadableStream;

/** What bytes are written to: a stream of Node's, or a web stream. */
export type AnyWritable = Writable | WritableStream;

/** Both directions: one stream of Node's, or one stream for each. */
export type AnyDuplex = Duplex | { readonly readable: AnyReadable; readonly writable: AnyWritable };

export interface FromStreamOptions {
  /** The reader's limit: the longest line, in bytes; 64 KiB by default. */
  limit?: number;
}

/**
 * Any two-way stream of bytes as a reader and a writer, the way back from `toDuplex`: a socket of Node's, a stream of its
 * `http2`, a pair of web streams, … It belongs to them from now on. Where nobody reads it is paused, and `drain` waits as
 * long as it takes no more. Strings in it are UTF-8, or what the stream was told to decode.
 *
 * ```ts
 * const [reader, writer] = fromDuplex(net.connect(7, "localhost"));
 * ```
 *
 * Closing the writer ends the stream, waits for what it does at its end, and destroys it; `transport.abort()` destroys it
 * at once, with a ConnectionAbortedError. What the stream breaks with is thrown by the reader, `drain` and `waitClosed`:
 * a system error as an OSError of Python's class, any other as it is. A stream that is destroyed before its end is a
 * ConnectionResetError. `writer.startTls` and `loop.sendfile` work as on any connection.
 *
 * Throws TypeError for what is no such stream, a stream of objects, or a web stream that is locked; RuntimeError if no
 * loop runs, or a transport has the stream already; ValueError unless `limit` is above 0. Python has no counterpart.
 */
export function fromDuplex(
  stream: AnyDuplex,
  { limit = DEFAULT_LIMIT }: FromStreamOptions = {},
): [StreamReader, StreamWriter] {
  const loop = getRunningLoop();
  if (!(stream instanceof Duplex)) return joined(loop, limit, ...partsOf(stream));
  assertBytes(stream, stream.readableObjectMode || stream.writableObjectMode);
  if (stream.readableEncoding) return joined(loop, limit, stream, stream);
  return connect(loop, limit, stream);
}

/**
 * Any stream of bytes as a reader: a request of Node's `http`, the `body` of a `fetch`, the output of a process or of a
 * `gunzip`, … It belongs to the reader from now on, and is paused where nobody reads. Strings in it are UTF-8, or what
 * the stream was told to decode.
 *
 * ```ts
 * for await (const line of fromReadable((await fetch(url)).body!)) console.log(line.toString());
 * ```
 *
 * To give it up before its end, destroy the stream; make `Readable.fromWeb(body)` of a web stream for that. If a reader
 * is garbage collected before its end, a ResourceWarning is emitted and the stream destroyed. What it throws when the
 * stream breaks, and what this throws at the call, is as with {@link fromDuplex}. Python has no counterpart.
 */
export function fromReadable(
  readable: AnyReadable,
  { limit = DEFAULT_LIMIT }: FromStreamOptions = {},
): StreamReader {
  const [reader] = joined(getRunningLoop(), limit, readable, null);
  return reader;
}

/**
 * Any stream that takes bytes as a writer: a response of Node's `http`, the input of a process, a file, a `gzip`, … It
 * belongs to the writer from now on, and `drain` waits as long as it takes no more.
 *
 * Closing the writer ends the stream, and `waitClosed` waits until it has taken all; `transport.abort()` destroys it, with
 * a ConnectionAbortedError. What `drain` and `waitClosed` throw when the stream breaks, and what this throws at the call,
 * is as with {@link fromDuplex}. Python has no counterpart.
 */
export function fromWritable(writable: AnyWritable): StreamWriter {
  const [, writer] = joined(getRunningLoop(), DEFAULT_LIMIT, null, writable);
  return writer;
}

/** Null is for what is left out on purpose. */
function partsOf(pair: Exclude<AnyDuplex, Duplex>): [AnyReadable, AnyWritable] {
  if (pair?.readable && pair.writable) return [pair.readable, pair.writable];
  const given = inspect(pair, { depth: -1 });
  throw new TypeError(`a Duplex or a pair of readable and writable was expected, not ${given}`);
}

function joined(
  loop: BaseEventLoop,
  limit: number,
  readable: AnyReadable | null,
  writable: AnyWritable | null,
): [StreamReader, StreamWriter] {
  if (readable !== null) assertKind(readable, ReadableStream, ["on", "read", "destroy"], "read from");
  if (writable !== null) assertKind(writable, WritableStream, ["on", "write", "end", "destroy"], "write to");
  const source = readable instanceof ReadableStream ? Readable.fromWeb(readable) : readable;
  const sink = writable instanceof WritableStream ? Writable.fromWeb(writable) : writable;
  if (source !== null) assertBytes(source, source.readableObjectMode);
  if (sink !== null) assertBytes(sink, sink.writableObjectMode);
  return connect(loop, limit, new JoinedStreams(source, sink));
}

function connect(loop: BaseEventLoop, limit: number, stream: Duplex): [StreamReader, StreamWriter] {
  const reader = new StreamReader({ limit, loop });
  const protocol = new StreamReaderProtocol(reader, null, { loop });
  const transport = new DuplexTransport(loop, stream, protocol, claim(loop, stream));
  // At once: by the next turn its protocol may be another one, which speaks TLS.
  protocol.connectionMade(transport);
  transport.begin(() => {}, false);
  return [reader, new StreamWriter(transport, protocol, reader, loop)];
}

/** So that no other transport uses it, and it goes with the loop. */
function claim(loop: BaseEventLoop, stream: Duplex): StreamClaim[] {
  const reading = new StreamClaim(loop, stream, "reading");
  try {
    return [reading, new StreamClaim(loop, stream, "writing")];
  } catch (error) {
    reading.release(false);
    throw error;
  }
}

/** By its methods: an answer of Node's HTTP is a Writable in all but its class. */
function assertKind(stream: object, Web: new () => object, methods: readonly string[], use: string): void {
  if (stream instanceof Web) return;
  const has = (method: string) =>
    typeof (stream as Record<string, unknown> | undefined)?.[method] === "function";
  if (methods.every(has)) return;
  const given = inspect(stream, { depth: -1 });
  throw new TypeError(`a stream of Node's or a web stream to ${use} was expected, not ${given}`);
}

function assertBytes(stream: Stream, isForObjects: boolean): void {
  if (!isForObjects) return;
  throw new TypeError(
    `a stream of bytes was expected, not one of objects: ${inspect(stream, { depth: -1 })}`,
  );
}
