import { openConnection, run, type StreamReader, type StreamWriter, startServer } from "../src/index.ts";

export const title = "A TCP echo server and its client, over a real socket";

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    console.log(`server got   ${JSON.stringify(line.toString())}`);
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

async function client(port: number): Promise<void> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  for (const message of ["Hello, world!\n", "你好，世界！\n"]) {
    writer.write(message);
    const reply = await reader.readline();
    console.log(`client got   ${JSON.stringify(reply.toString())}`);
  }
  writer.close();
  await writer.waitClosed();
}

export async function main(): Promise<void> {
  await run(async () => {
    await using server = await startServer(echo, "127.0.0.1", 0);
    const [, port] = server.sockets[0]!.getsockname() as [string, number];
    await client(port);
    console.log("connection closed");
  });
}
