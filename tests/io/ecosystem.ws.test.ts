import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import {
  createTask,
  currentSignal,
  ensureFuture,
  openConnection,
  Queue,
  startServer,
  TimeoutError,
  timeout,
  toDuplex,
  wait,
} from "../../src/index.ts";
import { type Bench, failure, idle, inEachBackend } from "./backends.ts";

/** A promise of Node's, whose wait can be ended. */
const waiting = <T>(promise: Promise<T>) => ensureFuture(promise);

/** A WebSocket server over connections of ours, and its port. */
async function serve({ defer }: Bench, connected: (socket: WebSocket) => void): Promise<number> {
  const sockets = new WebSocketServer({ noServer: true });
  const http = createServer().on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, connected),
  );
  const server = await startServer(
    (reader, writer) => void http.emit("connection", toDuplex(reader, writer)),
    "127.0.0.1",
    0,
  );
  defer(async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    server.abortClients();
    await server.waitClosed();
  });
  return (server.sockets[0]!.getsockname() as [string, number])[1];
}

/** A client over a connection of ours. */
async function open({ defer }: Bench, port: number): Promise<WebSocket> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  // It asks for a socket, and uses a stream only.
  const createConnection = (() => toDuplex(reader, writer)) as unknown as typeof import("node:net").connect;
  const socket = new WebSocket("ws://127.0.0.1/", { createConnection });
  defer(() => socket.terminate());
  await waiting(once(socket, "open"));
  return socket;
}

function echo(socket: WebSocket): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

inEachBackend("WebSockets of ws are served, and opened, over connections of ours", async (bench) => {
  const socket = await open(bench, await serve(bench, echo));
  for (const message of ["hello", "grüß dich", "x".repeat(1_000_000)]) {
    const answered = once(socket, "message");
    socket.send(message);
    const [data, isBinary] = await waiting(answered);
    assert.equal(String(data), message);
    assert.equal(isBinary, false);
  }
  socket.close(1000, "that is all");
  const [code] = await waiting(once(socket, "close"));
  assert.equal(code, 1000);
});

inEachBackend("a task that waits for a message is cancelled, and the next one gets it", async (bench) => {
  const socket = await open(bench, await serve(bench, echo));
  const first = createTask(async () => once(socket, "message", { signal: currentSignal() }));
  const second = createTask(async () => waiting(once(socket, "message")));
  await waiting(idle());
  first.cancel();
  second.cancel();
  await wait([first, second]);
  assert.ok(first.cancelled() && second.cancelled());
  await failure(
    timeout(0.01, () => waiting(once(socket, "message"))),
    TimeoutError,
  );
  const answered = once(socket, "message");
  socket.send("still there");
  assert.equal(String((await waiting(answered))[0]), "still there");
});

inEachBackend(
  "messages go into a queue, which a task in its own context takes them out of",
  async (bench) => {
    const request = new AsyncLocalStorage<string>();
    const socket = await open(bench, await serve(bench, echo));
    const messages = new Queue<string>();
    socket.on("message", (data: RawData) => messages.putNowait(String(data)));
    const taker = request.run("request 7", () =>
      createTask(async () => {
        const taken: string[] = [];
        while (taken.at(-1) !== "end") {
          taken.push(await messages.get());
          assert.equal(request.getStore(), "request 7");
        }
        return taken;
      }),
    );
    const sent = [...Array.from({ length: 100 }, (_, i) => `message ${i}`), "end"];
    for (const message of sent) socket.send(message);
    assert.deepEqual(await taker, sent);
  },
);
