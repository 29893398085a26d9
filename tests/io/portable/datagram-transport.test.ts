import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const INDEX = JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href);

/**
 * Run a program in a Node that never hands a datagram to the kernel at once: on loopback, the kernel never refuses one.
 * `client` is connected to `server`; gives what it printed.
 */
async function withQueue(program: string): Promise<string[]> {
  const source = `
    const { DatagramProtocol, EventLoop } = await import(${INDEX});
    const loop = new EventLoop({ backend: "portable" });
    class Protocol extends DatagramProtocol {
      constructor(name) { super(); this.name = name; }
      connectionLost(error) { console.log(this.name, "lost", error); this.onLost?.(); }
      datagramReceived(data) { console.log(this.name, "got", data.toString()); this.onDatagram?.(data); }
      errorReceived(error) { console.log(this.name, "error", error.code); }
      pauseWriting() { console.log(this.name, "pauses", client.getWriteBufferSize()); }
      resumeWriting() { console.log(this.name, "resumes"); this.onResume?.(); }
    }
    const [server, serverSide] = await loop.runUntilComplete(
      loop.createDatagramEndpoint(() => new Protocol("server"), { localAddr: ["127.0.0.1", 0] }));
    const [client, clientSide] = await loop.runUntilComplete(
      loop.createDatagramEndpoint(() => new Protocol("client"), { remoteAddr: server.getExtraInfo("sockname") }));
    const until = (protocol, event) => new Promise((resolve) => { protocol[event] = resolve; });
    await loop.runUntilComplete(async () => { ${program} });
    loop.close();
  `;
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--test-udp-no-try-send", "--input-type=module", "--eval", source],
    { timeout: 30_000 },
  );
  assert.equal(stderr, "");
  return stdout.trimEnd().split("\n");
}

test("what Node keeps counts, with 8 bytes for each datagram; writing pauses, and goes on", async () => {
  const lines = await withQueue(`
    client.setWriteBufferLimits({ high: 30, low: 0 });
    client.sendto("1234567890");
    client.sendto("");
    client.sendto("x");
    await until(clientSide, "onResume");
    console.log(client.getWriteBufferSize());
  `);
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("server")),
    ["client pauses 35", "client resumes", "0"],
  );
});

test("close waits for what Node keeps, and for its errors", async () => {
  const lines = await withQueue(`
    const lost = until(clientSide, "onLost");
    client.sendto(Buffer.alloc(70000));
    client.sendto("last");
    client.close();
    client.sendto("later than the last");
    const got = until(serverSide, "onDatagram");
    await lost;
    await got;
  `);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("client")),
    ["client pauses 70008", "client error EMSGSIZE", "client resumes", "client lost null"],
  );
  assert.ok(lines.includes("server got last"));
});

test("nothing is received while close waits for what Node keeps", async () => {
  const lines = await withQueue(`
    const lost = until(clientSide, "onLost");
    server.sendto("too late", client.getExtraInfo("sockname"));
    client.sendto("last");
    client.close();
    await lost;
  `);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("client")),
    ["client lost null"],
  );
});

test("abort tells the end, and nothing more", async () => {
  const lines = await withQueue(`
    const lost = until(clientSide, "onLost");
    client.sendto(Buffer.alloc(70000));
    client.abort();
    console.log(client.getWriteBufferSize(), client.isClosing());
    client.abort();
    await lost;
    await new Promise((resolve) => setImmediate(resolve));
  `);
  assert.deepEqual(lines, ["client pauses 70008", "0 true", "client lost null"]);
});

test("what is left open does not keep the process alive after the run", async () => {
  const source = `
    const { DatagramProtocol, EventLoop } = await import(${INDEX});
    class Quiet extends DatagramProtocol {}
    const loop = new EventLoop({ backend: "portable" });
    await loop.runUntilComplete(
      loop.createDatagramEndpoint(() => new Quiet(), { localAddr: ["127.0.0.1", 0] }));
    console.log("done");
  `;
  const args = ["--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  assert.equal(stdout, "done\n");
});
