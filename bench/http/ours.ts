/** `node ours.ts [DIRECTORY]`: an HTTP server that says hello, or the example for the files of a folder. */

import { FileServer } from "../../examples/http/file-server.ts";
import { readRequest, type Steps } from "../../examples/http/request.ts";
import { head } from "../../examples/http/response.ts";
import { Future, run, type StreamReader, type StreamWriter, startServer } from "../../src/index.ts";
import { HELLO } from "./hello.ts";

const BODY = HELLO.toString();
const HEADERS = { "Content-Type": "text/plain; charset=utf-8", "Content-Length": HELLO.length };

function* serve(reader: StreamReader, writer: StreamWriter): Steps<void> {
  for (;;) {
    const request = yield* readRequest(reader);
    if (request === null) break;
    writer.write(head(200, HEADERS, request.keepAlive) + BODY);
    yield* writer.drain();
    if (!request.keepAlive) break;
  }
  writer.close();
}

async function listen(directory: string | undefined): Promise<number> {
  if (directory !== undefined) return await new FileServer(directory).start("127.0.0.1", 0);
  const server = await startServer(serve, "127.0.0.1", 0);
  return Number(server.sockets[0]!.getsockname()[1]);
}

await run(async () => {
  console.log(JSON.stringify({ port: await listen(process.argv[2]) }));
  await new Future();
});
