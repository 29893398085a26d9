import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServeOptions } from "../../src/index.ts";
import {
  Cluster,
  type EventLoop,
  type ExceptionContext,
  openConnection,
  type StreamReader,
  type StreamWriter,
  sleep,
  timeout,
  work,
} from "../../src/index.ts";
import { type Flavour, flavours, type Steps } from "../flavours.ts";
import { type BackendUnderTest, backends, idle } from "../io/backends.ts";
import { children, openFiles, skip } from "../process/support.ts";
import type * as Handlers from "./handlers.ts";

type HandlerName = {
  [N in keyof typeof Handlers]: (typeof Handlers)[N] extends (...args: never) => unknown ? N : never;
}[keyof typeof Handlers];

export const HANDLERS = new URL("./handlers.ts", import.meta.url);

/** One of the functions for workers, by its name. */
export function handler<N extends HandlerName>(name: N) {
  return work<(typeof Handlers)[N]>(HANDLERS, name);
}

/** What a test is given. */
export interface World extends Flavour {
  readonly loop: EventLoop;
  readonly kind: "process" | "thread";
  readonly backend: "native" | "portable";
  /** What the loop's exception handler was told. A test takes out what it expects; what is left fails it. */
  readonly reports: ExceptionContext[];
  /** A cluster of two workers at a free port, which is closed after the test. */
  cluster(name: HandlerName, options?: ServeOptions): Cluster;
}

/** Seconds after which a test that waits for something gives up; none comes near it. */
const PATIENCE = 90;

/**
 * Register a test for each kind of workers on each backend: one of them in generators, the other in async functions.
 * It must leave no process, no open file, and nothing for the exception handler.
 */
export function inEachWorld(
  name: string,
  body: (world: World) => Steps<unknown>,
  kinds: readonly World["kind"][] = ["process", "thread"],
  on: readonly World["backend"][] = ["native", "portable"],
): void {
  for (const kind of kinds) {
    backends.forEach((backend, index) => {
      if (!on.includes(backend.name)) return;
      const flavour = flavours[index]!;
      const title = `${name} (${kind}, ${backend.name}, ${flavour.name})`;
      test(title, { skip: skip || backend.skip, timeout: 1000 * PATIENCE }, async () => {
        await warmUp(kind, backend);
        const before = openFiles();
        await runBody(kind, backend, flavour, body);
        await settled(before);
      });
    });
  }
}

async function runBody(
  kind: World["kind"],
  backend: BackendUnderTest,
  flavour: Flavour,
  body: (world: World) => Steps<unknown>,
): Promise<void> {
  const loop = backend.makeLoop();
  const reports: ExceptionContext[] = [];
  const clusters: Cluster[] = [];
  loop.setExceptionHandler((_loop, context) => reports.push(context));
  const cluster = (name: HandlerName, options: ServeOptions = {}) => {
    const made = new Cluster(handler(name as "who"), { host: "127.0.0.1", kind, workers: 2, ...options });
    clusters.push(made);
    return made;
  };
  const world = { ...flavour, loop, kind, backend: backend.name, reports, cluster };
  try {
    await loop.runUntilComplete(async () => {
      try {
        await timeout(PATIENCE, () => flavour.coroutine(body)(world));
      } finally {
        for (const made of clusters) await made.close({ drain: 0 });
      }
      assert.deepEqual(children(), [], "processes are left");
    });
  } finally {
    if (!loop.isRunning()) loop.close();
  }
  assert.deepEqual(reports, [], "the exception handler was told of these");
}

const warm = new Set<string>();

/** The first worker of its kind opens files that stay. */
async function warmUp(kind: World["kind"], backend: BackendUnderTest): Promise<void> {
  const key = `${kind} ${backend.name}`;
  if (warm.has(key)) return;
  warm.add(key);
  const loop = backend.makeLoop();
  await loop.runUntilComplete(async () => {
    await using cluster = new Cluster(handler("who"), { host: "127.0.0.1", kind, workers: 1 });
    await cluster.start();
  });
  loop.close();
  await idle();
}

/** Node closes files in a later turn. */
async function settled(before: number): Promise<void> {
  for (let i = 0; i < 200 && openFiles() > before; i++) await idle();
  assert.ok(openFiles() <= before, "a file is left open");
}

export function portOf(cluster: Cluster): number {
  return (cluster.addresses[0] as [string, number])[1];
}

/** A connection to the cluster. */
export class Client {
  readonly #on: Flavour["on"];
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;

  constructor(on: Flavour["on"], reader: StreamReader, writer: StreamWriter) {
    this.#on = on;
    this.#reader = reader;
    this.#writer = writer;
  }

  send(line: string): void {
    this.#writer.write(`${line}\n`);
  }

  /** The next line; empty at the end of the connection, however it ends. */
  *line(): Steps<string> {
    try {
      return String(yield* this.#on(this.#reader.readline())).trimEnd();
    } catch (error) {
      if ((error as { code?: string }).code === "ECONNRESET") return "";
      throw error;
    }
  }

  *ask(line: string): Steps<string> {
    this.send(line);
    return yield* this.line();
  }

  close(): void {
    this.#writer.close();
  }
}

export function* connect(on: Flavour["on"], port: number): Steps<Client> {
  const [reader, writer] = yield* on(openConnection("127.0.0.1", port));
  return new Client(on, reader, writer);
}

/** One question on a connection of its own. */
export function* askOnce(on: Flavour["on"], port: number, line = "who"): Steps<string> {
  const client = yield* connect(on, port);
  try {
    return yield* client.ask(line);
  } finally {
    client.close();
  }
}

/** Wait until that is so: what is waited for is on its way, but not in this loop. */
export function* until(on: Flavour["on"], condition: () => boolean): Steps<void> {
  while (!condition()) yield* on(sleep(0.005));
}

/** The workers' ids, in the order of their places. */
export function idsOf(cluster: Cluster): number[] {
  return cluster.workers.map(({ id }) => id);
}

/** A report of a crash, which comes. */
export function* reportOf({ on, reports }: World): Steps<string> {
  yield* until(on, () => reports.length > 0);
  const { message, exception } = reports.shift()!;
  return `${message}${exception === undefined ? "" : ` (${String(exception)})`}`;
}
