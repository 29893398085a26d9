import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { describe } from "node:test";
import {
  AF_UNIX,
  NotImplementedError,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SOL_SOCKET,
  Socket,
  ValueError,
} from "../../src/index.ts";
import { failure, inEachBackend, nativeSkip } from "./backends.ts";
import { Echo, nodeClient, Recorder, serve } from "./recorder.ts";

/** What the kernel says of an option of all sockets of this process whose local port this is: also of those that Node hides. */
function optionAt(port: number, level: number, name: number): number[] {
  const values: number[] = [];
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    const sock = socketAt(fd);
    if (sock === null) continue;
    const address = sock.getsockname();
    if (typeof address !== "string" && address[1] === port) values.push(sock.getsockopt(level, name));
    // It is somebody else's.
    sock.detach();
  }
  return values;
}

function socketAt(fd: number): Socket | null {
  try {
    return new Socket(-1, -1, -1, { fileno: fd });
  } catch {
    return null;
  }
}

describe("the options of createServer", () => {
  for (const keepAlive of [true, false]) {
    inEachBackend(
      `with keepAlive: ${keepAlive} idle connections are ${keepAlive ? "probed" : "left alone"}`,
      async (bench) => {
        const recorder = new Recorder(bench.loop);
        const { server, port } = await serve(bench, () => recorder, { keepAlive });
        await nodeClient(bench, port);
        await recorder.called("connectionMade");
        server.close();
        assert.deepEqual(optionAt(port, SOL_SOCKET, SO_KEEPALIVE), [keepAlive ? 1 : 0]);
      },
      { skip: nativeSkip },
    );
  }

  inEachBackend(
    "an address is reused unless reuseAddress is false, which Node cannot do",
    async (bench) => {
      const { port } = await serve(bench, () => new Echo());
      assert.deepEqual(optionAt(port, SOL_SOCKET, SO_REUSEADDR), [1]);
      const serving = serve(bench, () => new Echo(), { reuseAddress: false });
      if (bench.backend === "portable") {
        const error = await failure(serving, NotImplementedError);
        assert.match(error.message, /^reuseAddress: false .* Node always reuses .* use the native backend/);
      } else {
        assert.deepEqual(optionAt((await serving).port, SOL_SOCKET, SO_REUSEADDR), [0]);
      }
    },
    { skip: nativeSkip },
  );

  inEachBackend("a backlog below 0 is the shortest one", async (bench) => {
    const { port } = await serve(bench, () => new Echo(), { backlog: -1 });
    const client = await nodeClient(bench, port);
    client.write("x");
    client.resume();
    const [data] = (await once(client, "data")) as [Buffer];
    assert.equal(data.toString(), "x");
  });

  inEachBackend("that make no sense are refused at the call", async ({ loop }) => {
    const call = (options: object) => () => loop.createServer(() => new Echo(), "127.0.0.1", 0, options);
    for (const family of [AF_UNIX, 99]) assert.throws(call({ family }), { code: "EAI_FAMILY" });
    assert.throws(call({ family: "IPv4" }), TypeError);
    assert.throws(call({ flags: "AI_PASSIVE" }), TypeError);
    assert.throws(call({ backlog: "100" }), TypeError);
    assert.throws(call({ backlog: 1.5 }), TypeError);
    assert.throws(call({ backlog: 2 ** 31 }), ValueError);
    assert.throws(call({ sock: { fileno: () => 1 } }), ValueError);
  });
});
