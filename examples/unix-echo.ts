import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  openUnixConnection,
  run,
  type StreamReader,
  type StreamWriter,
  startUnixServer,
} from "../src/index.ts";

export const title = "An echo server and its client on one machine, over a unix socket";

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

async function client(path: string): Promise<void> {
  const [reader, writer] = await openUnixConnection(path);
  console.log(`connected to ${writer.getExtraInfo("peername")}`);
  writer.write("Hello, neighbour!\n");
  const reply = await reader.readline();
  console.log(`client got   ${JSON.stringify(reply.toString())}`);
  writer.close();
  await writer.waitClosed();
}

export async function main(): Promise<void> {
  if (process.platform === "win32") {
    console.log("not on this machine: Windows has named pipes instead of unix sockets");
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), "unix-echo-"));
  const path = join(directory, "socket");
  await run(async () => {
    await using _server = await startUnixServer(echo, path);
    await client(path);
  });
  console.log(`the socket's file is ${existsSync(path) ? "still there" : "gone"}`);
  await rm(directory, { recursive: true });
}
