import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  CancelledError,
  createTask,
  Event,
  openConnection,
  type Server,
  type StreamReader,
  type StreamWriter,
  sleep,
  startServer,
  ValueError,
} from "../../src/index.ts";
import { flavours, type Steps } from "../flavours.ts";
import { type Bench, failure, idle, inEachBackend } from "./backends.ts";
import { fill, portOf, Recorder, serve } from "./recorder.ts";
import { opensslSkip } from "./tls/certificates.ts";
import { clientContext, serverContext } from "./tls/support.ts";

/** Longer than any test takes. */
const LONG = 25;
/** For tests of what happens when the time is over. */
const SHORT = 0.05;

type Handler = (reader: StreamReader, writer: StreamWriter) => unknown;

/** A server that calls `handler`, and a client of it, whose handler has begun when it has sent a line. */
async function withClient(
  { defer }: Bench,
  handler: Handler,
): Promise<{ server: Server; reader: StreamReader; writer: StreamWriter }> {
  const server = await startServer(handler, "127.0.0.1", 0);
  defer(() => server.close());
  const [reader, writer] = await openConnection("127.0.0.1", portOf(server.sockets[0]!));
  defer(() => writer.transport.abort());
  assert.equal((await reader.readline()).toString(), "hello\n");
  return { server, reader, writer };
}

describe("draining a server", () => {
  for (const { name, on, coroutine } of flavours) {
    inEachBackend(`stops accepting at once, and lets ${name} handlers finish`, async (bench) => {
      const mayGoOn = new Event();
      const { server, reader } = await withClient(
        bench,
        coroutine(function* (_reader: StreamReader, writer: StreamWriter): Steps<void> {
          writer.write("hello\n");
          yield* on(mayGoOn.wait());
          writer.write("the answer");
          writer.close();
        }),
      );
      const port = portOf(server.sockets[0]!);
      const draining = createTask(server.close({ drain: LONG }));
      assert.equal(server.isServing(), false);
      await failure(openConnection("127.0.0.1", port), Error);
      assert.equal(draining.done(), false);
      mayGoOn.set();
      assert.equal((await reader.read()).toString(), "the answer");
      await draining;
    });

    inEachBackend(
      `cancels ${name} handlers that take too long, and sends their last words`,
      async (bench) => {
        const said: string[] = [];
        const { server, reader } = await withClient(
          bench,
          coroutine(function* (_reader: StreamReader, writer: StreamWriter): Steps<void> {
            writer.write("hello\n");
            try {
              yield* on(sleep(60));
            } catch (error) {
              assert.ok(error instanceof CancelledError);
              writer.write("goodbye");
              yield* on(sleep(0.01));
              said.push("cleaned up");
              throw error;
            }
          }),
        );
        await server.close({ drain: SHORT });
        assert.deepEqual(said, ["cleaned up"]);
        assert.equal((await reader.read()).toString(), "goodbye");
      },
    );
  }

  inEachBackend("waits for a handler whose connection is gone already", async (bench) => {
    const mayGoOn = new Event();
    let finished = false;
    const { server, reader } = await withClient(bench, async (_reader, writer) => {
      writer.write("hello\n");
      writer.close();
      await writer.waitClosed();
      await mayGoOn.wait();
      finished = true;
    });
    await reader.read();
    const draining = createTask(server.close({ drain: LONG }));
    await idle();
    assert.equal(draining.done(), false);
    mayGoOn.set();
    await draining;
    assert.equal(finished, true);
  });

  inEachBackend("aborts a connection whose peer does not read, whatever is buffered", async (bench) => {
    const ours = new Recorder(bench.loop);
    const { server, port } = await serve(bench, () => ours);
    const theirs = new Recorder(bench.loop, { onMade: (transport) => transport.pauseReading() });
    await bench.loop.createConnection(() => theirs, "127.0.0.1", port);
    bench.defer(() => theirs.transport.abort());
    await ours.called("connectionMade");
    fill(ours);
    await server.close({ drain: SHORT });
    assert.equal(ours.calls.at(-1), "connectionLost");
    assert.equal(ours.lostWith, null);
  });

  inEachBackend(
    "cancels handlers over TLS, too",
    async (bench) => {
      let cancelled = false;
      const serve = async (_reader: StreamReader, writer: StreamWriter) => {
        writer.write("hello\n");
        await sleep(60).then(null, (error) => {
          cancelled = error instanceof CancelledError;
          throw error;
        });
      };
      const server = await startServer(serve, "127.0.0.1", 0, { ssl: serverContext() });
      const port = portOf(server.sockets[0]!);
      const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: clientContext() });
      bench.defer(() => writer.transport.abort());
      assert.equal((await reader.readline()).toString(), "hello\n");
      await server.close({ drain: SHORT });
      assert.equal(cancelled, true);
    },
    { skip: opensslSkip },
  );

  inEachBackend("takes no time without connections", async (bench) => {
    const { server } = await serve(bench, () => new Recorder(bench.loop));
    await server.close({ drain: LONG });
    await server.close({ drain: 0 });
    await server.waitClosed();
  });

  inEachBackend("for 0 seconds cancels and aborts at once", async (bench) => {
    let cancelled = false;
    const { server, reader } = await withClient(bench, async (_reader, writer) => {
      writer.write("hello\n");
      await sleep(60).then(null, (error) => {
        cancelled = error instanceof CancelledError;
        throw error;
      });
    });
    await server.close({ drain: 0 });
    assert.equal(cancelled, true);
    assert.equal((await reader.read()).length, 0);
  });

  inEachBackend("when cancelled cancels the handlers and aborts the connections at once", async (bench) => {
    let ended = false;
    const { server, reader } = await withClient(bench, async (_reader, writer) => {
      writer.write("hello\n");
      try {
        await sleep(60);
      } finally {
        ended = true;
      }
    });
    const draining = createTask(server.close({ drain: LONG }));
    await idle();
    draining.cancel();
    await failure(draining, CancelledError);
    await server.waitClosed();
    assert.equal((await reader.read()).length, 0);
    assert.equal(ended, true);
  });

  inEachBackend("ends serveForever, which leaves the connections to it", async (bench) => {
    const mayGoOn = new Event();
    const { server, reader } = await withClient(bench, async (_reader, writer) => {
      writer.write("hello\n");
      await mayGoOn.wait();
      writer.write("the answer");
      writer.close();
    });
    const serving = createTask(server.serveForever());
    await sleep(0);
    const draining = createTask(server.close({ drain: LONG }));
    await idle();
    assert.equal(serving.done(), false);
    mayGoOn.set();
    assert.equal((await reader.read()).toString(), "the answer");
    await draining;
    await failure(serving, CancelledError);
  });

  inEachBackend(
    "may be asked for without end, or for a number of seconds that makes sense",
    async (bench) => {
      const { server } = await serve(bench, () => new Recorder(bench.loop));
      for (const drain of [-1, Number.NaN]) assert.throws(() => server.close({ drain }), ValueError);
      assert.throws(() => server.close({ drain: "1" as unknown as number }), TypeError);
      assert.equal(server.isServing(), true);
      await server.close({ drain: Number.POSITIVE_INFINITY });
    },
  );
});
