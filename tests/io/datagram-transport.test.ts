import assert from "node:assert/strict";
import { ConnectionRefusedError, DatagramTransport, gaierror, OSError } from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { idle, inEachBackend } from "./backends.ts";
import { DatagramRecorder, endpoint, hostAddress, LOOPBACK } from "./datagram-recorder.ts";
import { pattern } from "./recorder.ts";

inEachBackend("an empty datagram is one, too", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench, { remoteAddr: hostAddress(server) });
  client.transport.sendto("");
  client.transport.sendto(new Uint8Array());
  client.transport.sendto("end");
  assert.deepEqual(await server.receives(3), ["", "", "end"]);
});

inEachBackend("the longest datagrams arrive whole, and are the receiver's to keep", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench);
  const sent = [pattern(65507, 1), pattern(65507, 2), pattern(1, 3)];
  for (const [i, data] of sent.entries()) {
    client.transport.sendto(data, server.address);
    await server.receives(i + 1);
  }
  assert.deepEqual(server.data, sent);
});

inEachBackend("what is too long is an error for the protocol, and the endpoint stays open", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench);
  client.transport.sendto(Buffer.alloc(65508), server.address);
  client.transport.sendto("short", server.address);
  await client.called("errorReceived");
  assert.ok(client.errors[0] instanceof OSError);
  assert.equal(client.errors[0].code, "EMSGSIZE");
  assert.deepEqual(await server.receives(1), ["short"]);
  assert.equal(client.transport.isClosing(), false);
});

inEachBackend("a connected endpoint is told that nobody listens, and stays open", async (bench) => {
  const gone = await endpoint(bench);
  const remoteAddr = hostAddress(gone);
  gone.transport.close();
  await gone.called("connectionLost");
  const client = await endpoint(bench, { remoteAddr });
  client.transport.sendto("is anybody there?");
  await client.called("errorReceived");
  assert.ok(client.errors[0] instanceof ConnectionRefusedError);
  const back = await endpoint(bench, { localAddr: remoteAddr });
  client.transport.sendto("and now?");
  assert.deepEqual(await back.receives(1), ["and now?"]);
});

inEachBackend("a host that is no literal address goes to errorReceived", async (bench) => {
  const client = await endpoint(bench);
  client.transport.sendto("x", ["localhost", 9]);
  client.transport.sendto("x", ["::1", 9]);
  await client.called("errorReceived", 2);
  assert.deepEqual(
    client.errors.map((error) => error instanceof gaierror),
    [true, true],
  );
});

inEachBackend("port 0 is refused by the system", async (bench) => {
  const client = await endpoint(bench);
  client.transport.sendto("x", ["127.0.0.1", 0]);
  await client.called("errorReceived");
  assert.equal((client.errors[0] as OSError).code, "EINVAL");
});

inEachBackend('"" is this machine', async (bench) => {
  const server = await endpoint(bench, { localAddr: ["0.0.0.0", 0] });
  const client = await endpoint(bench);
  client.transport.sendto("x", ["", hostAddress(server)[1]]);
  assert.deepEqual(await server.receives(1), ["x"]);
});

inEachBackend("what is no datagram, or no address, is refused at the call", async (bench) => {
  const { transport } = await endpoint(bench);
  const to = ["127.0.0.1", 9] as const;
  assert.throws(() => transport.sendto("x"), { name: "TypeError", message: /needs an address/ });
  assert.throws(() => transport.sendto(5 as never, to), TypeError);
  assert.throws(() => transport.sendto("x", "/path"), TypeError);
  assert.throws(() => transport.sendto("x", ["127.0.0.1"] as never), TypeError);
  assert.throws(() => transport.sendto("x", [5, 9] as never), TypeError);
  for (const port of [-1, 1.5, 65536]) {
    assert.throws(() => transport.sendto("x", ["127.0.0.1", port]), { name: "ValueError", message: /port/ });
  }
  assert.equal(transport.isClosing(), false);
});

inEachBackend("the memory of a datagram can be used again at once", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench);
  const memory = Buffer.from("abc");
  client.transport.sendto(memory, server.address);
  memory.fill("x");
  assert.deepEqual(await server.receives(1), ["abc"]);
});

inEachBackend("what was sent before close goes out; what is sent after it does not", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench);
  client.transport.sendto("before", server.address);
  client.transport.close();
  assert.equal(client.transport.isClosing(), true);
  await client.called("connectionLost");
  client.transport.sendto("after", server.address);
  client.transport.close();
  client.transport.abort();
  await server.receives(1);
  await idle();
  assert.deepEqual(server.datagrams, [["before", client.address]]);
  assert.deepEqual(client.calls, ["connectionMade", "connectionLost"]);
  assert.equal(client.lostWith, null);
});

inEachBackend("an error of what was sent before close is told before the end", async (bench) => {
  const client = await endpoint(bench);
  client.transport.sendto(Buffer.alloc(70000), ["127.0.0.1", 9]);
  client.transport.close();
  await client.called("connectionLost");
  assert.deepEqual(client.calls, ["connectionMade", "errorReceived", "connectionLost"]);
});

inEachBackend("nor does a close get in between an error and its report", async (bench) => {
  const client = await endpoint(bench);
  client.transport.sendto(Buffer.alloc(70000), ["127.0.0.1", 9]);
  // Behind Node's own callback for it.
  process.nextTick(() => client.transport.close());
  await client.called("connectionLost");
  assert.deepEqual(client.calls, ["connectionMade", "errorReceived", "connectionLost"]);
});

inEachBackend("after the end, every write from the fifth on is warned of", async (bench) => {
  const { transport, address } = await endpoint(bench);
  using log = new CapturedLog();
  transport.abort();
  for (let i = 0; i < 6; i++) transport.sendto("x", address);
  assert.deepEqual(
    log.of("warn").map((message) => message.replace(/fd=\d+ /, "")),
    Array(2).fill("sendto() on a closed endpoint: <DatagramTransport closed buffered=0>"),
  );
});

inEachBackend("a closed endpoint receives nothing, and its port is free", async (bench) => {
  const server = await endpoint(bench, LOOPBACK, { onDatagram: () => server.transport.close() });
  const client = await endpoint(bench, { remoteAddr: hostAddress(server) });
  for (const text of ["1", "2", "3"]) client.transport.sendto(text);
  await server.called("connectionLost");
  assert.deepEqual(server.datagrams.length, 1);
  const next = await endpoint(bench, { localAddr: hostAddress(server) });
  assert.deepEqual(next.address, server.address);
});

inEachBackend(
  "an error of the protocol is reported, and does not keep it from other datagrams",
  async (bench) => {
    const server = await endpoint(bench, LOOPBACK, {
      onDatagram(data) {
        if (data.toString() !== "good") throw new Error(`no ${data}`);
      },
    });
    const client = await endpoint(bench);
    for (const text of ["bad", "worse", "good"]) client.transport.sendto(text, server.address);
    await server.receives(3);
    const reports = bench.reports.splice(0);
    assert.deepEqual(
      reports.map(({ exception }) => (exception as Error).message),
      ["no bad", "no worse"],
    );
  },
);

inEachBackend(
  "a protocol can be replaced, and one transport hands over to another protocol",
  async (bench) => {
    const server = await endpoint(bench);
    const client = await endpoint(bench);
    const other = new DatagramRecorder(bench.loop);
    server.transport.setProtocol(other);
    assert.equal(server.transport.getProtocol(), other);
    client.transport.sendto("x", server.address);
    assert.deepEqual(await other.receives(1), ["x"]);
    assert.deepEqual(other.calls, ["datagramReceived"]);
    server.transport.setProtocol(server);
  },
);

inEachBackend("a datagram that comes before connectionMade has run is not lost", async (bench) => {
  const { loop } = bench;
  const client = await endpoint(bench);
  const first = await endpoint(bench);
  const localAddr = hostAddress(first);
  first.transport.abort();
  await first.called("connectionLost");
  const recorder = new DatagramRecorder(loop);
  const factory = () => {
    client.transport.sendto("early bird", localAddr);
    return recorder;
  };
  const [transport] = await loop.createDatagramEndpoint(factory, { localAddr });
  bench.defer(() => transport.abort());
  assert.deepEqual(await recorder.receives(1), ["early bird"]);
  assert.deepEqual(recorder.calls, ["connectionMade", "datagramReceived"]);
});

inEachBackend("nor is one that comes while the endpoint is being connected", async (bench) => {
  const { loop } = bench;
  const server = await endpoint(bench);
  const first = await endpoint(bench);
  const localAddr = hostAddress(first);
  first.transport.abort();
  await first.called("connectionLost");
  const recorder = new DatagramRecorder(loop);
  const options = { localAddr, remoteAddr: hostAddress(server) };
  const made = loop.createTask(loop.createDatagramEndpoint(() => recorder, options));
  // Behind the task's first step.
  loop.callSoon(() => server.transport.sendto("early bird", localAddr));
  const [transport] = await made;
  bench.defer(() => transport.abort());
  assert.deepEqual(await recorder.receives(1), ["early bird"]);
  assert.deepEqual(recorder.calls, ["connectionMade", "datagramReceived"]);
});

inEachBackend("limits are those of other transports", async (bench) => {
  const { transport } = await endpoint(bench);
  assert.deepEqual(transport.getWriteBufferLimits(), [16 * 1024, 64 * 1024]);
  transport.setWriteBufferLimits({ high: 8 });
  assert.deepEqual(transport.getWriteBufferLimits(), [2, 8]);
  assert.throws(() => transport.setWriteBufferLimits({ high: 1, low: 2 }), { name: "ValueError" });
  assert.equal(transport.getWriteBufferSize(), 0);
});

inEachBackend("an endpoint is closed at the end of a using block", async (bench) => {
  const recorder = new DatagramRecorder(bench.loop);
  {
    using transport = (await bench.loop.createDatagramEndpoint(() => recorder, LOOPBACK))[0];
    assert.ok(transport instanceof DatagramTransport);
  }
  await recorder.called("connectionLost");
  await idle();
  assert.equal(recorder.transport.getExtraInfo("socket")!.fileno(), -1);
});

inEachBackend("what was sent is sent, also if the endpoint is aborted at once", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench);
  client.transport.sendto("x", server.address);
  client.transport.abort();
  assert.deepEqual(await server.receives(1), ["x"]);
});

inEachBackend("a burst arrives in its order", async (bench) => {
  const server = await endpoint(bench);
  const client = await endpoint(bench, { remoteAddr: hostAddress(server) });
  const sent = Array.from({ length: 100 }, (_, i) => String(i));
  for (const text of sent) client.transport.sendto(text);
  assert.deepEqual(await server.receives(100), sent);
});
