import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaseEventLoop } from "../../core/base-events.ts";
import { RuntimeError } from "../../core/errors.ts";
import { type Future, setResultUnlessDone } from "../../core/futures.ts";
import type { Waiting } from "../backend.ts";
import type { ChildPipe } from "../child-pipe.ts";
import { untilConnected } from "./connecting.ts";
import { fromNode } from "./errors.ts";

/** A pipe that Node makes when it starts the process. */
export const nodeChildPipe: ChildPipe = {
  stdio: "pipe",
  take(made) {
    if (made === null) throw new RuntimeError("Node made no pipe");
    return made;
  },
  discard() {},
};

/**
 * A pipe that the process can have at two of its fds, which Node cannot make: two sockets, connected by way of a path that
 * nobody else can reach. Cancel safety: nothing stays.
 */
export function* sharedChildPipe(loop: BaseEventLoop): Waiting<ChildPipe> {
  const [path, remove] = privatePath();
  const server = createServer({ pauseOnConnect: true });
  try {
    return yield* connectedPair(loop, server, path);
  } finally {
    server.close();
    remove();
  }
}

function* connectedPair(loop: BaseEventLoop, server: Server, path: string): Waiting<ChildPipe> {
  const accepted = acceptOne(loop, server);
  let ours: Socket | null = null;
  try {
    yield* listening(loop, server, path);
    ours = yield* untilConnected(loop, connect({ path }));
    return pairOf(ours, yield* accepted);
  } catch (error) {
    ours?.destroy();
    if (!accepted.cancel()) accepted.result().destroy();
    throw error;
  }
}

function acceptOne(loop: BaseEventLoop, server: Server): Future<Socket> {
  const accepted = loop.createFuture<Socket>();
  server.once("connection", (socket) => {
    if (accepted.done()) socket.destroy();
    else accepted.setResult(socket);
  });
  return accepted;
}

function* listening(loop: BaseEventLoop, server: Server, path: string): Waiting<void> {
  const begun = loop.createFuture<void>();
  server.once("error", (error) => {
    if (!begun.done()) begun.setException(fromNode(error));
  });
  server.listen(path, () => {
    setResultUnlessDone(begun, undefined);
  });
  server.unref();
  yield* begun;
}

function pairOf(ours: Socket, theirs: Socket): ChildPipe {
  theirs.on("error", () => {});
  return {
    stdio: theirs,
    take() {
      theirs.destroy();
      return ours;
    },
    discard() {
      theirs.destroy();
      ours.destroy();
    },
  };
}

/** A directory is this user's alone; Windows' pipes have names that nobody can guess. */
function privatePath(): [path: string, remove: () => void] {
  if (process.platform === "win32") return [`\\\\.\\pipe\\asyncio-${crypto.randomUUID()}`, () => {}];
  const directory = mkdtempSync(join(tmpdir(), "asyncio-"));
  return [join(directory, "s"), () => rmSync(directory, { recursive: true, force: true })];
}
