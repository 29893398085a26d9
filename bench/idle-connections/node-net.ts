/** `node --expose-gc node-net.ts`: an echo server, of Node alone. */

import { type AddressInfo, createServer } from "node:net";
import { tellMemory } from "./memory.ts";

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("data", (data) => socket.write(data));
  socket.on("error", () => {});
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
  tellMemory((server.address() as AddressInfo).port);
});
