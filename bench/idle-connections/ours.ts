/** `node --expose-gc ours.ts native|portable protocol|generator|async`: an echo server. */

import { EventLoop, getRunningLoop, run, type Server, startServer } from "../../src/index.ts";
import { Echo, serveAsync, serveGenerator } from "../echo.ts";
import { tellMemory } from "./memory.ts";

const LISTEN = ["127.0.0.1", 0, { backlog: 1024 }] as const;

function listen(api: string | undefined): PromiseLike<Server> {
  if (api === "generator") return startServer(serveGenerator, ...LISTEN);
  if (api === "async") return startServer(serveAsync, ...LISTEN);
  return getRunningLoop().createServer(() => new Echo(), ...LISTEN);
}

async function main(): Promise<void> {
  const server = await listen(api);
  tellMemory(Number(server.sockets[0]!.getsockname()[1]));
  await server.serveForever();
}

const [backend, api] = process.argv.slice(2);
await run(main, {
  loopFactory: () => new EventLoop({ backend: backend === "portable" ? "portable" : "native" }),
});
