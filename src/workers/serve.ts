/** What a worker of a `Cluster` does: the jobs that it is given. */

import { createTask } from "../concurrency/ensure-future.ts";
import { type Coroutine, iscoroutine } from "../core/coroutines.ts";
import { EventLoop } from "../event-loop.ts";
import type { PortableCall } from "../executors/messages.ts";
import { loadWork } from "../executors/perform.ts";
import type { SocketLike } from "../io/backend.ts";
import { Socket } from "../io/native/socket.ts";
import type { Server } from "../io/server.ts";
import type { ClientConnectedCallback } from "../io/stream-protocol.ts";
import { startServer } from "../io/streams.ts";
import { run } from "../run.ts";
import type { WorkerSetup } from "../serve/setup.ts";

let servers: readonly Server[] = [];
let closing: readonly Coroutine<void>[] = [];
const drained = Promise.withResolvers<void>();
const ended = Promise.withResolvers<void>();

/** Listen, in a loop of its own that goes on behind this; done when connections are accepted. */
export function listen(setup: WorkerSetup): Promise<void> {
  const listening = Promise.withResolvers<void>();
  let isListening = false;
  const main = async () => {
    await prepare(setup);
    isListening = true;
    listening.resolve();
    await drained.promise;
  };
  const { backend } = setup;
  run(main, { signals: false, loopFactory: () => new EventLoop({ backend }) }).then(
    ended.resolve,
    (error) => {
      if (!isListening) listening.reject(error);
      else crash(error);
    },
  );
  return listening.promise;
}

/** Done when the process is asked to end by somebody else than the program that it belongs to. */
export function untilTerminated(): Promise<void> {
  return new Promise((resolve) => process.on("SIGTERM", () => resolve()));
}

/** Those that are connected by now have so many seconds. */
export function stopAccepting(seconds: number): void {
  closing = servers.map((server) => server.close({ drain: seconds }));
}

/** Wait until they are gone; done when the loop is closed. */
export async function drain(): Promise<void> {
  await Promise.all(closing);
  drained.resolve();
  await ended.promise;
}

async function prepare({ handler, initializer, server, ...setup }: WorkerSetup): Promise<void> {
  const connected = (await loadWork(handler)) as ClientConnectedCallback;
  if (initializer !== null) await perform(initializer);
  servers = await Promise.all(
    setup.descriptors.map((fd) =>
      startServer(connected, null, null, { ...server, sock: socketOf(fd, setup) }),
    ),
  );
}

async function perform({ work, args }: PortableCall): Promise<void> {
  const fn = await loadWork(work);
  const result = fn.apply({ signal: new AbortController().signal }, [...args]);
  await (iscoroutine(result) ? createTask(result) : result);
}

function socketOf(fd: number, { borrowed, backend }: Pick<WorkerSetup, "borrowed" | "backend">): SocketLike {
  if (!borrowed) return { fileno: () => fd };
  const sock = new BorrowedSocket(-1, -1, -1, { fileno: fd });
  if (backend !== "portable") return sock;
  // Node's handle closes what it has, also when the thread is ended.
  const own = sock.dup();
  sock.close();
  return own;
}

/** At a descriptor of the main thread's: that closes it. */
class BorrowedSocket extends Socket {
  override get exclusive(): boolean {
    return false;
  }

  override close(): void {
    this.detach();
  }
}

function crash(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
