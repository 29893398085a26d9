import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createTask, getRunningLoop, run } from "../../src/index.ts";
import { StreamReaderProtocol } from "../../src/io/stream-protocol.ts";
import { StreamReader } from "../../src/io/stream-reader.ts";
import { StreamWriter } from "../../src/io/stream-writer.ts";
import { FakeTransport } from "./streams-support.ts";

function connect() {
  const reader = new StreamReader();
  const protocol = new StreamReaderProtocol(reader);
  const transport = new FakeTransport();
  protocol.connectionMade(transport);
  return {
    reader,
    protocol,
    transport,
    writer: new StreamWriter(transport, protocol, reader, getRunningLoop()),
  };
}

test("a writer that is collected unclosed closes its connection, with a ResourceWarning", () =>
  run(async () => {
    const { warning, transport } = await collected(() => connect().transport);
    assert.equal(warning?.name, "ResourceWarning");
    assert.match(String(warning?.message), /unclosed.*<FakeTransport>/);
    assert.deepEqual(transport.calls, ["close"]);
  }));

test("a server's writer that nobody keeps is collected, too", () =>
  run(async () => {
    const held: StreamReaderProtocol[] = [];
    const { warning, transport } = await collected(() => {
      const transport = new FakeTransport();
      const protocol = new StreamReaderProtocol(new StreamReader(), () => {});
      protocol.connectionMade(transport);
      held.push(protocol);
      return transport;
    });
    assert.equal(warning?.name, "ResourceWarning");
    assert.deepEqual(transport.calls, ["close"]);
    held[0]!.dataReceived(Buffer.from("nobody reads this"));
    held[0]!.connectionLost(null);
  }));

test("a writer that was closed is collected in silence", () =>
  run(async () => {
    const { warning } = await collected(() => {
      const { writer, transport } = connect();
      writer.close();
      return transport;
    });
    assert.equal(warning, null);
  }));

test("while somebody reads the writer is not collected", () =>
  run(async () => {
    const held: { reader: StreamReader; protocol: StreamReaderProtocol }[] = [];
    const { warning, transport } = await collected(() => {
      const { transport, reader, protocol } = connect();
      held.push({ reader, protocol });
      return transport;
    });
    assert.equal(warning, null);
    assert.deepEqual(transport.calls, []);
    held[0]!.protocol.connectionLost(null);
    transport.closing = true;
  }));

test("a read that waits keeps both halves", () =>
  run(async () => {
    const reads: Promise<Buffer>[] = [];
    const protocols: StreamReaderProtocol[] = [];
    const { warning } = await collected(() => {
      const { transport, reader, protocol } = connect();
      reads.push(createTask(reader.readline()));
      protocols.push(protocol);
      return transport;
    });
    assert.equal(warning, null);
    protocols[0]!.dataReceived(Buffer.from("still here\n"));
    assert.equal(String(await reads[0]), "still here\n");
  }));

/** Make a connection, drop all of it but the transport, and collect; gives the warning that came, if one did. */
async function collected(
  make: () => FakeTransport,
): Promise<{ warning: Error | null; transport: FakeTransport }> {
  let warning: Error | null = null;
  const listener = (one: Error) => {
    warning = one;
  };
  process.on("warning", listener);
  const transport = make();
  for (let i = 0; i < 10 && warning === null; i++) {
    await turn();
    globalThis.gc!();
  }
  process.off("warning", listener);
  return { warning, transport };
}
