import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How many connections are on their way at once: less than a server's backlog. */
const BATCH = 200;

/** Open `count` connections to the port, and have each exchange one message. */
export async function connectAll(port: number, count: number, message: Buffer): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const size = Math.min(BATCH, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: size }, () => connectOne(port)))));
  }
  await exchangeAll(sockets, message);
  return sockets;
}

async function connectOne(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  // The server may be ended first.
  socket.on("error", () => {});
  return socket;
}

/** Each sends the message once and gets it back. */
export async function exchangeAll(sockets: readonly Socket[], message: Buffer): Promise<void> {
  for (let i = 0; i < sockets.length; i += BATCH) {
    await Promise.all(sockets.slice(i, i + BATCH).map((socket) => exchange(socket, message)));
  }
}

async function exchange(socket: Socket, message: Buffer): Promise<void> {
  socket.write(message);
  let missing = message.length;
  while (missing > 0) {
    const [data] = (await once(socket, "data")) as [Buffer];
    missing -= data.length;
  }
}

/** End the connections in an orderly way. */
export async function closeAll(sockets: readonly Socket[]): Promise<void> {
  const closed = sockets.map((socket) => once(socket, "close"));
  for (const socket of sockets) socket.end();
  await Promise.all(closed);
}
