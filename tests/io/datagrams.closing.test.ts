import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type EventLoop, NotImplementedError } from "../../src/index.ts";
import { flavours } from "../flavours.ts";
import { collectGarbage } from "../helpers.ts";
import { type BackendUnderTest, backends } from "./backends.ts";
import { DatagramRecorder, LOOPBACK } from "./datagram-recorder.ts";
import { openFiles } from "./native/support.ts";

function inEachBackend(name: string, body: (make: BackendUnderTest["makeLoop"]) => Promise<void>): void {
  for (const { name: backend, skip, makeLoop } of backends) {
    test(`${name} (${backend})`, { skip }, () => body(makeLoop));
  }
}

function open(loop: EventLoop): Promise<readonly [unknown, DatagramRecorder]> {
  return loop.runUntilComplete(loop.createDatagramEndpoint(() => new DatagramRecorder(loop), LOOPBACK));
}

/** The ResourceWarnings that are emitted meanwhile. */
async function warningsOf(action: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const note = ({ name, message }: Error) => {
    if (name === "ResourceWarning") warnings.push(message);
  };
  process.on("warning", note);
  try {
    await action();
    await turn();
  } finally {
    process.off("warning", note);
  }
  return warnings;
}

inEachBackend(
  "an endpoint that is left is closed with the loop, without a word to its protocol",
  async (makeLoop) => {
    const before = openFiles();
    const loop = makeLoop();
    const [, recorder] = await open(loop);
    recorder.transport.sendto("x", recorder.address);
    loop.close();
    while (openFiles() > before) await turn();
    assert.deepEqual(recorder.calls, ["connectionMade"]);
  },
);

inEachBackend("an endpoint that is closing when the loop closes is closed once", async (makeLoop) => {
  const before = openFiles();
  const loop = makeLoop();
  const [, recorder] = await open(loop);
  recorder.transport.sendto("x", recorder.address);
  recorder.transport.abort();
  loop.close();
  while (openFiles() > before) await turn();
});

inEachBackend("in debug mode, an endpoint that was not closed is warned of", async (makeLoop) => {
  const warnings = await warningsOf(async () => {
    const loop = makeLoop();
    loop.setDebug(true);
    await open(loop);
    const [, closed] = await open(loop);
    closed.transport.close();
    await loop.runUntilComplete(() => closed.called("connectionLost"));
    loop.close();
    await collectGarbage();
  });
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0]!, /^unclosed transport <DatagramTransport open (fd=\d+ )?buffered=0>/);
});

for (const { name: backend, skip, makeLoop } of backends) {
  for (const flavour of flavours) {
    test(`an endpoint is awaited in both flavours (${backend}, ${flavour.name})`, { skip }, async () => {
      const loop = makeLoop();
      const main = flavour.coroutine(function* () {
        const [transport, recorder] = yield* flavour.on(
          loop.createDatagramEndpoint(() => new DatagramRecorder(loop), LOOPBACK),
        );
        assert.deepEqual(recorder.calls, ["connectionMade"]);
        transport.sendto("to myself", recorder.address);
        yield* flavour.on(loop.createTask(() => recorder.receives(1)));
        transport.close();
      });
      try {
        await loop.runUntilComplete(main());
      } finally {
        loop.close();
      }
    });
  }
}

test("what the portable backend cannot do leaves no socket", async () => {
  const before = openFiles();
  for (const { makeLoop, skip, name } of backends) {
    if (skip || name !== "portable") continue;
    const loop = makeLoop();
    const made = loop.createDatagramEndpoint(() => new DatagramRecorder(loop), { family: 2, proto: 136 });
    await assert.rejects(loop.runUntilComplete(made), NotImplementedError);
    loop.close();
  }
  while (openFiles() > before) await turn();
});
