import {
  type Address,
  DatagramProtocol,
  type DatagramTransport,
  getRunningLoop,
  Queue,
  run,
} from "../src/index.ts";

export const title = "A UDP echo server and its client";

class EchoServer extends DatagramProtocol {
  #transport: DatagramTransport | null = null;

  override connectionMade(transport: DatagramTransport): void {
    this.#transport = transport;
  }

  override datagramReceived(data: Buffer, addr: Address | null): void {
    console.log(`server got   ${JSON.stringify(data.toString())}`);
    this.#transport?.sendto(data, addr);
  }
}

class EchoClient extends DatagramProtocol {
  readonly replies = new Queue<string>();

  override datagramReceived(data: Buffer): void {
    this.replies.putNowait(data.toString());
  }
}

export async function main(): Promise<void> {
  await run(async () => {
    const loop = getRunningLoop();
    const localAddr = ["127.0.0.1", 0] as const;
    const [server] = await loop.createDatagramEndpoint(() => new EchoServer(), { localAddr });
    const [, port] = server.getExtraInfo("sockname") as [string, number];

    const remoteAddr = ["127.0.0.1", port] as const;
    const [client, { replies }] = await loop.createDatagramEndpoint(() => new EchoClient(), { remoteAddr });
    for (const message of ["Hello, world!", ""]) {
      client.sendto(message);
      console.log(`client got   ${JSON.stringify(await replies.get())}`);
    }
    client.close();
    server.close();
  });
}
