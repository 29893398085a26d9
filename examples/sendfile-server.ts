import { open } from "node:fs/promises";
import {
  getRunningLoop,
  openConnection,
  run,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "../src/index.ts";

export const title = "A server that sends a file, which the kernel does by itself where it can";

async function sendSource(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const [offset = 0, count = 0] = (await reader.readline()).toString().split(" ").map(Number);
  await using file = await open(import.meta.filename);
  const sent = await getRunningLoop().sendfile(writer.transport, file, { offset, count });
  console.log(`server sent ${sent} bytes`);
  writer.close();
}

export async function main(): Promise<void> {
  await run(async () => {
    await using server = await startServer(sendSource, "127.0.0.1", 0);
    const [, port] = server.sockets[0]!.getsockname() as [string, number];
    const [reader, writer] = await openConnection("127.0.0.1", port);
    writer.write("9 4\n");
    console.log(`client got  ${JSON.stringify((await reader.read()).toString())}`);
    writer.close();
    await writer.waitClosed();
  });
}
