import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  CreateUnixServerOptions,
  EventLoop,
  Server,
  StreamProtocol,
  UnixPath,
} from "../../src/index.ts";
import type { Bench } from "./backends.ts";
import { Recorder } from "./recorder.ts";

/** Whether this machine has unix sockets that are files. */
export const unixSkip: false | string =
  process.platform === "win32" ? "Windows has named pipes instead of unix sockets" : false;

/** Whether this machine has unix sockets that are no files. */
export const abstractSkip: false | string =
  process.platform === "linux" ? false : "only Linux has an abstract namespace";

/** A path in a directory of its own, which is removed after the test. */
export function newPath({ defer }: Pick<Bench, "defer">, name = "socket"): string {
  const directory = mkdtempSync(join(tmpdir(), "asyncio-"));
  defer(() => rmSync(directory, { recursive: true }));
  return join(directory, name);
}

/** A server at a path of its own, closed after the test, with its connections. */
export async function serveUnix(
  bench: Bench,
  factory: () => StreamProtocol,
  options: CreateUnixServerOptions = {},
  path = newPath(bench),
): Promise<{ path: string; server: Server }> {
  const server = await bench.loop.createUnixServer(factory, path, options);
  bench.defer(async () => {
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return { path, server };
}

/** Ask the echo server at `path`, and hang up. */
export async function ask(loop: EventLoop, path: UnixPath): Promise<void> {
  const client = new Recorder(loop);
  const [transport] = await loop.createUnixConnection(() => client, path);
  transport.write("hello");
  assert.equal((await client.receives(5)).toString(), "hello");
  transport.close();
  await client.called("connectionLost");
}

/** Have nobody enter the directory until the test ends; root, who can always, becomes somebody else. */
export function forbid({ defer }: Bench, directory: string): void {
  chmodSync(directory, 0o000);
  defer(() => chmodSync(directory, 0o700));
  if (process.geteuid?.() !== 0) return;
  process.seteuid!(65534);
  defer(() => process.seteuid!(0));
}
