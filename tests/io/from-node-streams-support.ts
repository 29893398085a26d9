/** Streams of Node's, and ours made of them, for tests. */

import { type Duplex, duplexPair, Readable, Writable } from "node:stream";
import { ensureFuture, fromDuplex, type StreamReader, type StreamWriter } from "../../src/index.ts";
import type { Bench } from "./backends.ts";
import { pattern } from "./recorder.ts";

export const MEBIBYTE = pattern(1024 * 1024);

/** A promise of Node's, whose wait a test's time limit can end. */
export const waiting = <T>(promise: Promise<T>) => ensureFuture(promise);

/** Both ends of one: ours, and one of Node's. */
export function adopted({
  defer,
}: Bench): [reader: StreamReader, writer: StreamWriter, other: Duplex, ours: Duplex] {
  const [ours, other] = duplexPair();
  other.on("error", () => {});
  const [reader, writer] = fromDuplex(ours);
  defer(() => writer.transport.abort());
  defer(() => other.destroy());
  return [reader, writer, other, ours];
}

/** A source that has always more, and the count of what was taken out of it, in chunks. */
export function endless(chunk: Buffer): { source: Readable; taken: () => number } {
  let count = 0;
  const read = () => {
    count++;
    source.push(chunk);
  };
  const source = new Readable({ read: () => void setImmediate(read) });
  return { source, taken: () => count };
}

/** A sink that takes nothing until it is let, and what it took. */
export function stuck(): { sink: Writable; let: () => void; taken: Buffer[] } {
  const taken: Buffer[] = [];
  let open = false;
  let held: (() => void) | null = null;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk);
      if (open) done();
      else held = done;
    },
  });
  const letIt = () => {
    open = true;
    held?.();
  };
  return { sink, let: letIt, taken };
}

/** Feed it for as long as it wants more. */
export async function writeFor(writer: StreamWriter, chunk: Buffer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    writer.write(chunk);
    await writer.drain();
  }
}
