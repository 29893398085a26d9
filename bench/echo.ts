/** What our echo servers do. */

import {
  Protocol,
  type StreamReader,
  type StreamWriter,
  type Suspension,
  type Transport,
} from "../src/index.ts";

export class Echo extends Protocol {
  #transport: Transport | null = null;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#transport?.write(data);
  }
}

export function* serveGenerator(
  reader: StreamReader,
  writer: StreamWriter,
): Generator<Suspension, void, unknown> {
  for (;;) {
    const line = yield* reader.readline();
    if (line.length === 0) break;
    writer.write(line);
    yield* writer.drain();
  }
  writer.close();
}

export async function serveAsync(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (;;) {
    const line = await reader.readline();
    if (line.length === 0) break;
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}
