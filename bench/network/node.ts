/** `node node.ts [--cert FILE --key FILE]`: an echo server, of Node alone. */

import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({ options: { cert: { type: "string" }, key: { type: "string" } } });

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("data", (data) => socket.write(data));
  socket.on("error", () => {});
}

function makeServer({ cert, key }: typeof options): Server {
  return cert && key
    ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve)
    : createServer(serve);
}

const server = makeServer(options);
server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
