import assert from "node:assert/strict";
import { gather } from "../../src/index.ts";
import type { Steps } from "../flavours.ts";
import { connect, idsOf, inEachWorld, portOf, reportOf, type World } from "./support.ts";

/** So many clients come, one after the other, in each of so many rows. */
const ROWS = 8;
const EACH = 250;

/** A client that was not answered to the end: who had begun to, as far as it knows, and how many had come before it. */
interface Lost {
  readonly pid: number | null;
  readonly number: number;
}

/** Clients that come one after the other, until somebody says that it is over. */
class Traffic {
  readonly lost: Lost[] = [];
  come = 0;
  isOver = false;
  readonly #world: World;
  readonly #port: number;

  constructor(world: World, port: number) {
    this.#world = world;
    this.#port = port;
  }

  *row(): Steps<void> {
    for (let i = 0; i < EACH || !this.isOver; i++) yield* this.#client(this.come++);
  }

  /** Whoever is refused, or answered wrongly, throws. */
  *#client(number: number): Steps<void> {
    const pids: number[] = [];
    try {
      const client = yield* connect(this.#world.on, this.#port);
      for (let i = 0; i < 2; i++) pids.push(Number(yield* client.ask("who")));
      client.close();
    } catch (error) {
      // The worker was killed as soon as it had accepted: before we were told that we are connected.
      if ((error as { code?: string }).code !== "ECONNRESET") throw error;
    }
    const [first = 0, second = 0] = pids;
    if (second === 0) this.lost.push({ pid: first || null, number });
    else assert.equal(first, second);
  }
}

/** Kill a worker that has begun to serve a client. Gives its pid, when it is known to be gone. */
function* killOne(world: World, port: number): Steps<number> {
  const client = yield* connect(world.on, port);
  const pid = Number(yield* client.ask("who"));
  process.kill(pid, "SIGKILL");
  assert.equal(yield* client.line(), "");
  client.close();
  assert.match(yield* reportOf(world), new RegExp(`^worker process ${pid} .*SIGKILL`));
  return pid;
}

inEachWorld(
  "of 2,000 clients, while all workers are replaced three times and one is killed, only that one's are lost",
  function* (world) {
    const { on, coroutine, loop, cluster } = world;
    const serving = cluster("obey");
    yield* on(serving.start());
    const before = idsOf(serving);
    const port = portOf(serving);
    const traffic = new Traffic(world, port);
    const rows = loop.createTask(
      coroutine(function* () {
        yield* on(gather(...Array.from({ length: ROWS }, () => coroutine(() => traffic.row())())));
      })(),
    );
    yield* on(serving.restart());
    const killed = yield* killOne(world, port);
    const comeByThen = traffic.come;
    yield* on(serving.restart());
    yield* on(serving.restart());
    traffic.isOver = true;
    yield* on(rows);
    assert.ok(traffic.come >= ROWS * EACH);
    for (const { pid, number } of traffic.lost)
      assert.ok(pid === killed || (pid === null && number < comeByThen));
    assert.ok(traffic.lost.length <= ROWS, `${traffic.lost.length} lost`);
    assert.ok(serving.workers.every(({ restarts }) => restarts >= 3));
    assert.deepEqual(
      idsOf(serving).filter((id) => before.includes(id)),
      [],
    );
  },
  ["process"],
);
