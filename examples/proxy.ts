import {
  openConnection,
  run,
  type StreamReader,
  type StreamWriter,
  startServer,
  TaskGroup,
} from "../src/index.ts";

export const title = "A TCP proxy: bytes both ways, at the pace of whoever is slower";

async function copy(from: StreamReader, to: StreamWriter): Promise<void> {
  for (let data = await from.read(65_536); data.length > 0; data = await from.read(65_536)) {
    to.write(data);
    await to.drain();
  }
  to.writeEof();
}

function proxyTo(host: string, port: number) {
  return async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
    await using near = writer;
    const [farReader, farWriter] = await openConnection(host, port);
    await using far = farWriter;
    await TaskGroup.run((group) => {
      group.createTask(() => copy(reader, far));
      group.createTask(() => copy(farReader, near));
    });
    console.log("proxy: both sides have ended");
  };
}

async function shout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line.toString().toUpperCase());
  writer.close();
}

export async function main(): Promise<void> {
  await run(async () => {
    await using far = await startServer(shout, "127.0.0.1", 0);
    const [, farPort] = far.sockets[0]!.getsockname() as [string, number];
    const proxy = await startServer(proxyTo("127.0.0.1", farPort), "127.0.0.1", 0);
    const [, port] = proxy.sockets[0]!.getsockname() as [string, number];

    const [reader, writer] = await openConnection("127.0.0.1", port);
    writer.write("hello\nthrough the proxy\n");
    writer.writeEof();
    for await (const line of reader) console.log(`client got ${JSON.stringify(line.toString())}`);
    writer.close();
    await proxy.close({ drain: 5 });
    console.log("proxy: closed");
  });
}
