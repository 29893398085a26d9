import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  type EventLoop,
  openConnection,
  Protocol,
  type Server,
  type StreamWriter,
  startServer,
} from "../../src/index.ts";
import { mustBeClosed } from "../../src/io/unclosed.ts";
import { Subscription } from "../core/subscription.ts";
import { collectGarbage, newLoop } from "../helpers.ts";
import { type BackendUnderTest, backends } from "./backends.ts";

/** The ResourceWarnings that are emitted meanwhile. */
async function warningsOf(action: () => unknown): Promise<(Error & { detail?: string })[]> {
  const warnings: Error[] = [];
  const note = (warning: Error) => {
    if (warning.name === "ResourceWarning") warnings.push(warning);
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

function inEachBackend(name: string, body: (make: BackendUnderTest["makeLoop"]) => Promise<void>): void {
  for (const { name: backend, skip, makeLoop } of backends) {
    test(`${name} (${backend})`, { skip }, () => body(makeLoop));
  }
}

function portOf(server: Server): number {
  const [, port] = server.sockets[0]!.getsockname() as [host: string, port: number];
  return port;
}

class Quiet extends Protocol {}

/** A server with a connection. */
async function connect(loop: EventLoop) {
  const accepted = loop.createFuture<Protocol>();
  class Accepting extends Protocol {
    override connectionMade(): void {
      accepted.setResult(this);
    }
  }
  const server = await loop.createServer(() => new Accepting(), "127.0.0.1", 0);
  const [transport] = await loop.createConnection(() => new Quiet(), "127.0.0.1", portOf(server));
  await accepted;
  return { server, transport };
}

inEachBackend("what is open when a loop in debug mode closes is warned of", async (makeLoop) => {
  const loop = makeLoop();
  loop.setDebug(true);
  using published = new Subscription("asyncio:warning");
  const warnings = await warningsOf(async () => {
    await loop.runUntilComplete(() => connect(loop));
    loop.close();
  });
  assert.deepEqual(
    warnings.map(({ message }) => message.replace(/ (fd|buffered|sockets)=.*/, "")),
    [
      "unclosed server <Server serving",
      "unclosed transport <SocketTransport open",
      "unclosed transport <SocketTransport open",
    ],
  );
  assert.deepEqual(
    published.messages,
    warnings.map(({ message }) => ({ loop, kind: "unclosed", message })),
  );
});

inEachBackend(
  "what was closed in time is not warned of, nor anything outside of debug mode",
  async (makeLoop) => {
    const warnings = await warningsOf(async () => {
      const tidy = makeLoop();
      tidy.setDebug(true);
      await tidy.runUntilComplete(async () => {
        const { server, transport } = await connect(tidy);
        transport.close();
        server.close();
        await server.waitClosed();
      });
      tidy.close();
      const loop = makeLoop();
      loop.setDebug(false);
      await loop.runUntilComplete(() => connect(loop));
      loop.close();
    });
    assert.deepEqual(warnings, []);
  },
);

for (const debug of [true, false]) {
  inEachBackend(
    `a stream that is left open is warned of once, debug mode ${debug ? "on" : "off"}`,
    async (makeLoop) => {
      const loop = makeLoop();
      loop.setDebug(debug);
      const leaveOpen = async () => {
        const accepted = loop.createFuture<StreamWriter>();
        await using server = await startServer((_, writer) => accepted.setResult(writer), "127.0.0.1", 0);
        await openConnection("127.0.0.1", portOf(server));
        const writer = await accepted;
        writer.close();
        await writer.waitClosed();
      };
      const warnings = await warningsOf(async () => {
        await loop.runUntilComplete(leaveOpen);
        loop.close();
        await collectGarbage();
      });
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(
        warnings[0]!.message,
        debug ? /^unclosed transport / : /^a StreamWriter was not closed before /,
      );
    },
  );
}

test("what is collected unclosed is warned of, as it was at first", async () => {
  using loop = newLoop();
  loop.setDebug(true);
  const warnings = await warningsOf(async () => {
    (() => {
      mustBeClosed({ toString: () => "<Thing>" }, "transport", loop);
      mustBeClosed({ toString: () => "<ClosedThing>" }, "transport", loop)?.settle();
    })();
    await collectGarbage();
  });
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ["unclosed transport <Thing>"],
  );
  assert.match(
    warnings[0]?.detail ?? "",
    /^created at \(most recent call first\):\n {4}at .*unclosed\.test\.ts/,
  );
});

inEachBackend("a loop that has run is collected, and warned of if it was not closed", async (makeLoop) => {
  const dropLoop = async () => {
    const loop = makeLoop();
    loop.setDebug(true);
    await loop.runUntilComplete(() => {});
  };
  const warnings = await warningsOf(async () => {
    await dropLoop();
    await collectGarbage();
  });
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ["unclosed event loop <EventLoop>"],
  );
});
