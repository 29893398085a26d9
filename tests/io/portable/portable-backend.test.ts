import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { open } from "node:fs/promises";
import { type TestOptions, test } from "node:test";
import { EventLoop, NotImplementedError, OSError, Socket, ValueError } from "../../../src/index.ts";
import { failure, idle, nativeSkip } from "../backends.ts";
import { Echo, portOf, Recorder } from "../recorder.ts";

const LOCALHOST = "127.0.0.1";

/** Register a test whose body runs in a portable loop. */
function inPortable(name: string, body: (loop: EventLoop) => Promise<void>, options: TestOptions = {}): void {
  test(name, options, async () => {
    using loop = new EventLoop({ backend: "portable" });
    await loop.runUntilComplete(() => body(loop));
  });
}

inPortable("watching a descriptor is not possible, and the error says why and what is", async (loop) => {
  for (const call of [
    () => loop.addReader(0, () => {}),
    () => loop.addWriter(0, () => {}),
    () => loop.removeReader(0),
    () => loop.removeWriter(0),
  ]) {
    assert.throws(call, (error) => {
      assert.ok(error instanceof NotImplementedError);
      assert.match(error.message, /^(add|remove)(Reader|Writer)\(\) is not possible on the portable backend/);
      assert.match(error.message, /Node cannot watch a file descriptor; use the native backend/);
      return true;
    });
  }
});

inPortable("a transport's socket has addresses, and says why it has no more", async (loop) => {
  const server = await loop.createServer(() => new Echo(), LOCALHOST, 0);
  const client = new Recorder(loop);
  await loop.createConnection(() => client, LOCALHOST, portOf(server.sockets[0]!));
  const socket = client.transport.getExtraInfo("socket")!;
  for (const call of [
    () => socket.fileno(),
    () => socket.getsockopt(1, 1),
    () => socket.setsockopt(1, 1, 1),
    () => socket.shutdown(1),
  ]) {
    assert.throws(call, {
      name: "NotImplementedError",
      message: /Node does not show its sockets; .*native backend/,
    });
  }
  assert.throws(() => server.sockets[0]!.getpeername(), { code: "ENOTCONN" });
  assert.match(String(socket), /^<TransportSocket sockname=.*peername=/);
  server.close();
  client.transport.close();
  await server.waitClosed();
  await client.called("connectionLost");
});

inPortable("connections that come before startServing wait for it", async (loop) => {
  const ours = new Recorder(loop);
  const server = await loop.createServer(() => ours, LOCALHOST, 0, { startServing: false });
  const client = new Recorder(loop);
  await loop.createConnection(() => client, LOCALHOST, portOf(server.sockets[0]!));
  client.transport.write("early");
  await idle();
  assert.deepEqual(ours.calls, []);
  await server.startServing();
  await ours.receives(5);
  server.close();
  client.transport.close();
  await server.waitClosed();
  await client.called("connectionLost");
});

inPortable("connections that wait when the server is closed are closed too", async (loop) => {
  const ours = new Recorder(loop);
  const server = await loop.createServer(() => ours, LOCALHOST, 0, { startServing: false });
  const client = new Recorder(loop);
  await loop.createConnection(() => client, LOCALHOST, portOf(server.sockets[0]!));
  await idle();
  server.close();
  await client.called("connectionLost");
  assert.deepEqual(ours.calls, []);
});

inPortable(
  "a socket that is adopted lets go of its descriptor, which Node closes",
  async (loop) => {
    const listening = new Socket();
    listening.bind([LOCALHOST, 0]);
    const server = await loop.createServer(() => new Echo(), null, null, { sock: listening });
    assert.equal(listening.fileno(), -1);
    const connected = new Socket();
    connected.connectEx([LOCALHOST, portOf(server.sockets[0]!)]);
    await idle();
    const client = new Recorder(loop);
    await loop.createConnection(() => client, null, null, { sock: connected });
    assert.equal(connected.fileno(), -1);
    server.close();
    client.transport.close();
    await server.waitClosed();
  },
  { skip: nativeSkip },
);

inPortable("what is no stream socket cannot be adopted", async (loop) => {
  await using file = await open("/dev/null");
  await failure(
    loop.createConnection(() => new Echo(), null, null, { sock: { fileno: () => file.fd } }),
    ValueError,
  );
  const error = await failure(
    loop.createServer(() => new Echo(), null, null, { sock: { fileno: () => file.fd } }),
    OSError,
  );
  assert.equal(error.code, "EINVAL");
});

test("what is left open does not keep the process alive after the run", () => {
  const program = `
    const { EventLoop, Protocol } = await import(${JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href)});
    class Quiet extends Protocol {}
    const loop = new EventLoop({ backend: "portable" });
    await loop.runUntilComplete(async () => {
      const server = await loop.createServer(() => new Quiet(), "127.0.0.1", 0);
      await loop.createConnection(() => new Quiet(), "127.0.0.1", server.sockets[0].getsockname()[1]);
    });
    console.log("done");
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual([status, stdout, stderr], [0, "done\n", ""]);
});
