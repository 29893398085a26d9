import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ServeHandler, ServeOptions } from "../../src/index.ts";
import {
  Cluster,
  OSError,
  openConnection,
  RuntimeError,
  SSLContext,
  type StreamReader,
  type StreamWriter,
  startServer,
  ValueError,
  work,
} from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { localhost, opensslSkip } from "../io/tls/certificates.ts";
import { clientContext } from "../io/tls/support.ts";
import { askOnce, HANDLERS, handler, inEachWorld, portOf } from "./support.ts";

inEachWorld("a port that somebody has is in use, also if they share it", function* ({ on, cluster }) {
  const first = cluster("who", { workers: 1 });
  yield* on(first.start());
  const port = portOf(first);
  const second = cluster("who", { port });
  const error = yield* rejects(on(second.start()), OSError);
  assert.equal(error.code, "EADDRINUSE");
  assert.deepEqual([second.workers, second.addresses], [[], []]);
  const third = cluster("who", { port, reusePort: true, workers: 1 });
  yield* on(third.start());
  assert.equal(portOf(third), port);
});

inEachWorld("a closed cluster gives its port back", function* ({ on, cluster }) {
  const serving = cluster("who");
  yield* on(serving.start());
  const port = portOf(serving);
  yield* on(serving.close());
  const server = yield* on(startServer(() => {}, "127.0.0.1", port));
  server.close();
});

inEachWorld("it listens at several hosts", function* ({ on, cluster }) {
  const serving = cluster("who", { host: ["127.0.0.1", "127.0.0.2"] });
  yield* on(serving.start());
  assert.deepEqual(
    serving.addresses.map((address) => (address as [string, number])[0]),
    ["127.0.0.1", "127.0.0.2"],
  );
});

type Handle = (reader: StreamReader, writer: StreamWriter) => Promise<void>;

const FAILURES: readonly [string, ServeHandler | null, ServeOptions, RegExp][] = [
  [
    "a module that does not exist",
    work<Handle>(new URL("./nowhere.ts", HANDLERS), "x"),
    {},
    /ERR_MODULE_NOT_FOUND|Cannot find module/,
  ],
  [
    "a module that throws",
    work<Handle>("data:text/javascript,throw new RangeError('no')", "x"),
    {},
    /^RangeError: no$/,
  ],
  [
    "an export that does not exist",
    work<Handle>(HANDLERS, "nobody"),
    {},
    /^ValueError: .* exports no nobody, but .*who/,
  ],
  [
    "an export that is no function",
    work<Handle>(HANDLERS, "noFunction"),
    {},
    /^TypeError: noFunction of .* is no function$/,
  ],
  ["an initializer that throws", null, { initializer: handler("fail") }, /^RangeError: no database$/],
  [
    "an initializer that ends the worker",
    null,
    { initializer: handler("leave") },
    /^RuntimeError: worker .* exited with code 3$/,
  ],
];

for (const [what, broken, options, expected] of FAILURES) {
  inEachWorld(`${what} fails the start`, function* ({ on, kind, cluster }) {
    const settings = { host: "127.0.0.1", kind, workers: 2, ...options };
    const serving = broken === null ? cluster("who", settings) : new Cluster(broken, settings);
    const error = yield* rejects(on(serving.start()), Error);
    assert.match(String(error), expected);
    assert.deepEqual([serving.workers, serving.addresses], [[], []]);
  });
}

inEachWorld(
  "a restart takes the code that is there now; if that is broken, the old workers stay",
  function* ({ on, kind }) {
    const directory = mkdtempSync(join(tmpdir(), "asyncio-serve-"));
    const file = join(directory, "handler.mjs");
    const write = (source: string) =>
      writeFileSync(file, `export async function handle(reader, writer) { ${source} }`);
    const say = (text: string) => `await reader.readline(); writer.write("${text}\\n"); writer.close();`;
    write(say("old"));
    const serving = new Cluster(work<Handle>(file, "handle"), { host: "127.0.0.1", kind, workers: 1 });
    try {
      yield* on(serving.start());
      assert.equal(yield* askOnce(on, portOf(serving)), "old");
      write(")");
      yield* rejects(on(serving.restart()), Error, /Unexpected token/);
      assert.equal(yield* askOnce(on, portOf(serving)), "old");
      write(say("new"));
      yield* on(serving.restart());
      assert.equal(yield* askOnce(on, portOf(serving)), "new");
    } finally {
      yield* on(serving.close());
      rmSync(directory, { recursive: true });
    }
  },
);

if (opensslSkip === false) {
  inEachWorld("the workers speak TLS", function* ({ on, cluster }) {
    const { cert, key } = localhost();
    const serving = cluster("who", { ssl: { cert, key } });
    yield* on(serving.start());
    const [reader, writer] = yield* on(
      openConnection("127.0.0.1", portOf(serving), { ssl: clientContext(), serverHostname: "localhost" }),
    );
    writer.write("who\n");
    assert.match(String(yield* on(reader.read())), / none\n$/);
    writer.close();
    yield* on(writer.waitClosed());
  });
}

const who = handler("who");
const WRONG: readonly [string, () => unknown, new (...args: never[]) => Error, RegExp][] = [
  ["no handler", () => new Cluster(1 as never), TypeError, /a function, or work\(\)/],
  ["a handler with free variables", () => new Cluster(() => who), ValueError, /uses who of its surroundings/],
  [
    "no such kind",
    () => new Cluster(who, { kind: "fibre" as never }),
    ValueError,
    /kind must be "process" or "thread"/,
  ],
  ["no workers", () => new Cluster(who, { workers: 0 }), ValueError, /workers must be greater than 0/],
  ["a drain below 0", () => new Cluster(who, { drain: -1 }), ValueError, /drain must be 0 or more seconds/],
  ["a port out of range", () => new Cluster(who, { port: 65536 }), ValueError, /port must be an integer/],
  ["a host that is a number", () => new Cluster(who, { host: 1 as never }), TypeError, /host/],
  [
    "a context",
    () => new Cluster(who, { ssl: new SSLContext() as never }),
    TypeError,
    /an SSLContext cannot be sent/,
  ],
  [
    "TLS without ssl",
    () => new Cluster(who, { sslHandshakeTimeout: 1 }),
    ValueError,
    /only meaningful with ssl/,
  ],
  [
    "a function for TLS",
    () => new Cluster(who, { ssl: { sniCallback: () => null } }),
    TypeError,
    /cannot be sent to a worker/,
  ],
  ["a drain that is no number", () => new Cluster(who).close({ drain: "1" as never }), TypeError, /drain/],
];

for (const [what, call, Class, message] of WRONG) {
  test(`${what} is refused at the call`, () => {
    assert.throws(call, (error) => error instanceof Class && message.test((error as Error).message));
  });
}

inEachWorld(
  "a cluster that never started can be closed, and shows its state",
  function* ({ on }) {
    const serving = new Cluster(who, { workers: 3 });
    assert.equal(String(serving), "<Cluster created kind=process workers=3>");
    yield* on(serving.close());
    assert.equal(String(serving), "<Cluster closed kind=process workers=3>");
    assert.throws(() => serving.getLoop(), RuntimeError);
  },
  ["process"],
);
