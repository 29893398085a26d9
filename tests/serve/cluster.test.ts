import assert from "node:assert/strict";
import { Cluster, gather, RuntimeError, sleep } from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { askOnce, connect, handler, idsOf, inEachWorld, portOf, until } from "./support.ts";

inEachWorld(
  "connections are spread over the workers, at one port",
  function* ({ on, coroutine, cluster, ...world }) {
    const serving = cluster("who");
    yield* on(serving.start());
    const port = portOf(serving);
    const answers = (yield* on(
      gather(...Array.from({ length: 64 }, () => coroutine(() => askOnce(on, port))())),
    )) as string[];
    const workers = serving.workers.map(({ id }) => id);
    const expected = workers.map((id) =>
      world.kind === "process"
        ? `${id} 0 ${world.backend} none`
        : `${process.pid} ${id} ${world.backend} none`,
    );
    assert.deepEqual([...new Set(answers)].sort(), expected.sort());
  },
);

inEachWorld(
  "a restart refuses no connection, and loses no request",
  function* ({ on, coroutine, loop, cluster }) {
    const serving = cluster("who");
    yield* on(serving.start());
    const port = portOf(serving);
    const before = idsOf(serving);
    const restart = loop.createTask(serving.restart());
    let answered = 0;
    const client = coroutine(function* () {
      while (!restart.done() || answered < 300) {
        assert.match(yield* askOnce(on, port), /^\d+ \d+ \w+ none$/);
        answered++;
      }
    });
    yield* on(gather(...Array.from({ length: 8 }, () => client())));
    yield* on(restart);
    const after = idsOf(serving);
    assert.equal(after.length, 2);
    assert.deepEqual(
      after.filter((id) => before.includes(id)),
      [],
    );
    assert.deepEqual(
      serving.workers.map(({ state, restarts, place }) => ({ state, restarts, place })),
      [0, 1].map((place) => ({ state: "listening", restarts: 1, place })),
    );
  },
);

inEachWorld("a restart lets requests finish that have begun", function* ({ on, loop, cluster }) {
  const serving = cluster("obey");
  yield* on(serving.start());
  const client = yield* connect(on, portOf(serving));
  assert.equal(yield* client.ask("slow"), "begun");
  const restart = loop.createTask(serving.restart());
  yield* until(on, () => serving.workers.some(({ state }) => state === "draining"));
  assert.equal(yield* client.line(), "finished");
  client.close();
  yield* on(restart);
});

inEachWorld("close lets a request finish, and refuses new ones meanwhile", function* ({ on, loop, cluster }) {
  const serving = cluster("obey");
  yield* on(serving.start());
  const port = portOf(serving);
  const client = yield* connect(on, port);
  assert.equal(yield* client.ask("slow"), "begun");
  const close = loop.createTask(serving.close());
  yield* rejects(untilRefused(), RefusedError);
  assert.equal(yield* client.line(), "finished");
  client.close();
  yield* on(close);
  assert.deepEqual([serving.workers, serving.addresses], [[], []]);

  function* untilRefused() {
    for (;;) {
      try {
        (yield* connect(on, port)).close();
      } catch (error) {
        const { code } = error as { code: string };
        // One that is about to be accepted in that moment is reset.
        if (code !== "ECONNRESET") throw code === "ECONNREFUSED" ? new RefusedError() : error;
      }
    }
  }
});

class RefusedError extends Error {}

inEachWorld("close cuts a request that never ends, which can clean up", function* ({ on, loop, cluster }) {
  const serving = cluster("obey", { drain: 0.1 });
  yield* on(serving.start());
  const client = yield* connect(on, portOf(serving));
  assert.equal(yield* client.ask("endless"), "begun");
  const close = loop.createTask(serving.close());
  assert.equal(yield* client.line(), "cancelled");
  assert.equal(yield* client.line(), "");
  yield* on(close);
  client.close();
});

inEachWorld("a worker that cannot end is killed, and named", function* ({ on, cluster, reports }) {
  const serving = cluster("obey", { drain: 0, grace: 0.2, workers: 1 });
  yield* on(serving.start());
  const { name } = serving.workers[0]!;
  const client = yield* connect(on, portOf(serving));
  assert.equal(yield* client.ask("spin"), "begun");
  yield* on(serving.close());
  assert.equal(yield* client.line(), "");
  assert.deepEqual(
    reports.splice(0).map(({ message }) => message),
    [`${name} of a cluster has not ended within 0.2 s, and is killed`],
  );
  client.close();
});

inEachWorld(
  "a cluster is started once, and restarts only while it serves",
  function* ({ on, kind, cluster }) {
    const serving = cluster("who", { workers: 1 });
    assert.throws(() => serving.getLoop(), RuntimeError);
    const state = `<Cluster created kind=${kind} workers=1>`;
    yield* rejects(on(serving.restart()), RuntimeError, `${state} does not serve`);
    yield* on(serving.start());
    yield* rejects(on(serving.start()), RuntimeError, /was started before$/);
    yield* on(serving.close());
    yield* on(serving.close());
    yield* rejects(on(serving.serveForever()), RuntimeError, /does not serve$/);
    yield* rejects(on(serving.start()), RuntimeError, /was started before$/);
  },
);

inEachWorld("a start that is cancelled leaves nothing", function* ({ on, loop, cluster }) {
  const serving = cluster("who");
  const start = loop.createTask(serving.start());
  yield* until(on, () => serving.workers.length === 2);
  start.cancel();
  yield* until(on, () => start.done());
  assert.equal(start.cancelled(), true);
  assert.deepEqual(serving.workers, []);
});

inEachWorld("closing while it starts ends the start", function* ({ on, loop, cluster }) {
  const serving = cluster("who");
  const start = loop.createTask(serving.start());
  yield* until(on, () => serving.workers.length === 2);
  yield* on(serving.close());
  yield* rejects(on(start), RuntimeError, /was ended before it listened$/);
});

inEachWorld(
  "closing it before a worker is there, or in the middle of a restart, leaves nothing",
  function* ({ on, loop, cluster }) {
    const early = cluster("who", { host: "localhost" });
    const start = loop.createTask(early.start());
    yield* on(sleep(0));
    yield* on(early.close());
    yield* rejects(on(start), RuntimeError, /closed meanwhile$/);
    assert.deepEqual([early.workers, early.addresses], [[], []]);

    const serving = cluster("who");
    yield* on(serving.start());
    const restart = loop.createTask(serving.restart());
    yield* until(on, () => serving.workers.length === 3);
    yield* on(serving.close());
    yield* rejects(on(restart), RuntimeError);
    assert.deepEqual(serving.workers, []);
  },
);

inEachWorld(
  "cancelling a close kills the workers",
  function* ({ on, loop, cluster }) {
    const serving = cluster("obey", { drain: 3600 });
    yield* on(serving.start());
    const client = yield* connect(on, portOf(serving));
    assert.equal(yield* client.ask("endless"), "begun");
    const close = loop.createTask(serving.close());
    yield* until(on, () => serving.workers.some(({ state }) => state === "draining"));
    close.cancel();
    yield* until(on, () => close.done());
    assert.equal(close.cancelled(), true);
    assert.deepEqual(serving.workers, []);
    client.close();
  },
  ["process"],
);

inEachWorld("a handler can be sent as its source", function* ({ on, kind }) {
  const serving = new Cluster(
    async (reader, writer) => {
      writer.write(await reader.readline());
      writer.close();
    },
    { host: "127.0.0.1", workers: 1, kind },
  );
  yield* on(serving.start());
  try {
    assert.equal(yield* askOnce(on, portOf(serving), "echo"), "echo");
  } finally {
    yield* on(serving.close());
  }
});

inEachWorld("the initializer runs before the worker listens, in either flavour", function* ({ on, cluster }) {
  for (const initializer of [handler("greet"), handler("greetLater")]) {
    const serving = cluster("who", { workers: 1, initializer, initargs: ["hello"] });
    yield* on(serving.start());
    assert.match(yield* askOnce(on, portOf(serving)), / hello$/);
  }
});
