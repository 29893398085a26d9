/** A peer that has gone silent: every wait can be given up, which frees the connection, or leaves it as it was. */

import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import {
  type Awaitable,
  Event,
  type EventLoop,
  Socket,
  type StreamReader,
  type StreamWriter,
  socketpair,
  TimeoutError,
  timeout,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { rejects } from "../helpers.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { type Carrier, CHUNK, carriers, HUGE, halfOpenCarriers, leavingNoFile } from "./carriers.ts";
import { inEachFlavourNatively } from "./native/flavoured.ts";
import { listener } from "./native/support.ts";
import { serverContext } from "./tls/support.ts";

const folder = mkdtempSync(join(tmpdir(), "silent-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "bytes");
writeFileSync(path, HUGE);

/** In seconds. Nothing is to happen meanwhile. */
const TIMEOUT = 0.02;

interface Silent {
  readonly loop: EventLoop;
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly on: Flavour["on"];
}

/** What may be waited for at a peer that neither says nor reads anything. */
const WAITS: Readonly<Record<string, (silent: Silent) => Steps<unknown>>> = {
  "read()": ({ reader, on }) => on(reader.read(10)),
  "read() to the end": ({ reader, on }) => on(reader.read()),
  "readexactly()": ({ reader, on }) => on(reader.readexactly(10)),
  "readline()": ({ reader, on }) => on(reader.readline()),
  "readuntil()": ({ reader, on }) => on(reader.readuntil("x")),
  *"drain()"({ writer, on }) {
    writer.write(HUGE);
    yield* on(writer.drain());
  },
  *"waitClosed()"({ writer, on }) {
    writer.write(HUGE);
    writer.close();
    yield* on(writer.waitClosed());
  },
  *"sendfile()"({ loop, writer, on }) {
    const file = openSync(path, "r");
    try {
      yield* on(loop.sendfile(writer.transport, file));
    } finally {
      closeSync(file);
    }
  },
};

function inEachWorld(
  name: string,
  wait: (silent: Silent) => Steps<unknown>,
  over: readonly Carrier[] = carriers,
): void {
  for (const flavour of flavours) {
    for (const carrier of over) {
      inEachBackend(
        `${name}, over ${carrier.name} (${flavour.name})`,
        (bench) => leavingNoFile(bench, (inner) => waitInVain(inner, carrier, flavour, wait)),
        { skip: carrier.skip, timeout: 20_000 },
      );
    }
  }
}

async function waitInVain(
  bench: Bench,
  carrier: Carrier,
  { on, body, coroutine }: Flavour,
  wait: (silent: Silent) => Steps<unknown>,
): Promise<void> {
  const handled = new Event();
  const handler = coroutine(function* (reader: StreamReader, writer: StreamWriter) {
    const waiting = body(() => wait({ loop: bench.loop, reader, writer, on }));
    try {
      yield* rejects(on(timeout(TIMEOUT, waiting)), TimeoutError);
      writer.transport.abort();
      yield* on(writer.waitClosed());
    } finally {
      handled.set();
    }
  });
  const { connect } = await carrier.startServer(bench, handler);
  await connect();
  await handled.wait();
}

describe("a peer that is silent costs a timeout, and the connection is free after it, in", () => {
  for (const [name, wait] of Object.entries(WAITS)) inEachWorld(name, wait);
  // That over TLS is the same.
  inEachWorld("startTls()", ({ writer, on }) => on(writer.startTls(serverContext())), halfOpenCarriers);
});

/** What may be waited for at a socket whose other side neither says nor reads anything. */
const SOCKET_WAITS: Readonly<
  Record<string, (loop: EventLoop, sock: Socket, file: number) => Awaitable<unknown>>
> = {
  "sockRecv()": (loop, sock) => loop.sockRecv(sock, 10),
  "sockRecvInto()": (loop, sock) => loop.sockRecvInto(sock, new Uint8Array(10)),
  "sockRecvfrom()": (loop, sock) => loop.sockRecvfrom(sock, 10),
  "sockRecvfromInto()": (loop, sock) => loop.sockRecvfromInto(sock, new Uint8Array(10)),
  "sockSendall()": (loop, sock) => loop.sockSendall(sock, HUGE),
  "sockSendfile()": (loop, sock, file) => loop.sockSendfile(sock, file),
};

describe("a socket's silent peer costs a timeout, and the socket goes on, in", () => {
  for (const [name, wait] of Object.entries(SOCKET_WAITS)) {
    inEachFlavourNatively(name, function* ({ loop, on, body }) {
      const [left, right] = socketpair();
      const file = openSync(path, "r");
      try {
        const waiting = body(() => on(wait(loop, left, file)));
        yield* rejects(on(timeout(TIMEOUT, waiting)), TimeoutError);
        right.send("still there");
        assert.equal(String(yield* on(loop.sockRecv(left, 100))), "still there");
        left.close();
        // What the kernel took is a beginning of what was sent, without a gap.
        const received: Buffer[] = [];
        for (let data = yield* on(loop.sockRecv(right, CHUNK)); data.length > 0; ) {
          received.push(data);
          data = yield* on(loop.sockRecv(right, CHUNK));
        }
        const all = Buffer.concat(received);
        assert.ok(all.equals(HUGE.subarray(0, all.length)));
        assert.equal(all.length > 0, name.startsWith("sockSend"));
      } finally {
        left.close();
        right.close();
        closeSync(file);
      }
    });
  }

  inEachFlavourNatively("sockAccept()", function* ({ loop, on, body }) {
    const server = listener();
    const accept = body(() => on(loop.sockAccept(server)));
    yield* rejects(on(timeout(TIMEOUT, accept)), TimeoutError);
    const client = new Socket();
    yield* on(loop.sockConnect(client, server.getsockname()));
    const [accepted] = yield* on(loop.sockAccept(server));
    for (const sock of [accepted, client, server]) sock.close();
  });

  inEachFlavourNatively("sockConnect()", function* ({ loop, on, body }) {
    const server = new Socket();
    server.bind(["127.0.0.1", 0]);
    server.listen(0);
    const clients: Socket[] = [];
    const connect = function* () {
      clients.push(new Socket());
      yield* on(loop.sockConnect(clients.at(-1)!, server.getsockname()));
    };
    // One that waits for the server's accept fills its queue. That one is answered, so its time must not be limited.
    yield* connect();
    // Whoever comes then gets no answer.
    const others = body(function* () {
      for (;;) yield* connect();
    });
    yield* rejects(on(timeout(TIMEOUT, others)), TimeoutError);
    for (const sock of [...clients, server]) sock.close();
    assert.ok(clients.length < 10, `${clients.length} clients`);
  });
});
