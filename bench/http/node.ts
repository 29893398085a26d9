/** `node node.ts [DIRECTORY]`: the same, of node:http. */

import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { HELLO } from "./hello.ts";

const [directory] = process.argv.slice(2);
const TYPE = { "Content-Type": "text/plain; charset=utf-8" };

function sayHello(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { ...TYPE, "Content-Length": HELLO.length });
  response.end(HELLO);
}

/** With the calls that the example makes. */
function sendFile({ url }: IncomingMessage, response: ServerResponse): void {
  const path = realpathSync.native(join(directory!, url!));
  if (!path.startsWith(directory!)) throw new Error(path);
  const fd = openSync(path, "r");
  const { size, mtime } = fstatSync(fd);
  const body = Buffer.allocUnsafe(size);
  readSync(fd, body, 0, size, 0);
  closeSync(fd);
  response.writeHead(200, {
    ...TYPE,
    "Content-Length": size,
    "Last-Modified": mtime.toUTCString(),
    "Accept-Ranges": "bytes",
  });
  response.end(body);
}

const server = createServer(directory === undefined ? sayHello : sendFile);
server.listen({ port: 0, host: "127.0.0.1" }, () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
