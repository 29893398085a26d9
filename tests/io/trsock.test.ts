import assert from "node:assert/strict";
import { describe } from "node:test";
import { NotImplementedError, type TransportSocket, ValueError } from "../../src/index.ts";
import { inEachBackend } from "./backends.ts";
import { recorders } from "./recorder.ts";

describe("a transport's socket", () => {
  inEachBackend("never waits, and cannot be made to", async (bench) => {
    const [left] = await recorders(bench);
    const sock = left.transport.getExtraInfo("socket") as TransportSocket;
    assert.equal(sock.gettimeout(), 0);
    sock.settimeout(0);
    sock.setblocking(false);
    for (const seconds of [1, -1, null]) assert.throws(() => sock.settimeout(seconds), ValueError);
    assert.throws(() => sock.setblocking(true), ValueError);
    assert.equal(sock.gettimeout(), 0);
  });

  inEachBackend("can be duplicated, where there is a socket", async (bench) => {
    const [left, right] = await recorders(bench);
    const sock = left.transport.getExtraInfo("socket") as TransportSocket;
    if (bench.backend === "portable") {
      assert.throws(() => sock.dup(), NotImplementedError);
      return;
    }
    using copy = sock.dup();
    assert.notEqual(copy.fileno(), sock.fileno());
    await bench.loop.sockSendall(copy, "from the copy");
    assert.equal((await right.receives(13)).toString(), "from the copy");
    left.transport.close();
    await left.called("connectionLost");
    assert.deepEqual(copy.getsockname(), right.transport.getExtraInfo("peername"));
  });

  inEachBackend("is not inherited by child processes, where that is known", async (bench) => {
    const [left] = await recorders(bench);
    const sock = left.transport.getExtraInfo("socket") as TransportSocket;
    if (bench.backend === "native") assert.equal(sock.getInheritable(), false);
    else assert.throws(() => sock.getInheritable(), NotImplementedError);
  });
});
