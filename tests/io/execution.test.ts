import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type ClientConnectedCallback,
  ContextVar,
  createTask,
  Event,
  openConnection,
  Protocol,
  type Server,
  type StreamReader,
  type StreamWriter,
  startServer,
  type Transport,
} from "../../src/index.ts";
import { inEachBackend } from "./backends.ts";

const storage = new AsyncLocalStorage<string>();
const variable = new ContextVar<string>("variable");

/** Run `body` in a task in which the storage and the variable have the value `name`. */
function as<T>(name: string, body: () => Promise<T>): PromiseLike<T> {
  return storage.run(name, () =>
    createTask(async () => {
      variable.set(name);
      return await body();
    }),
  );
}

/** Writes down the values where it is called. */
class Notes {
  readonly #seen: string[] = [];

  readonly note = (): void => {
    this.#seen.push(`${storage.getStore()}, ${variable.get("none")}`);
  };

  /** It was called `count` times, with the values of `name` each time. */
  assertAll(name: string, count: number): void {
    assert.deepEqual(this.#seen, Array(count).fill(`${name}, ${name}`));
  }
}

const portOf = (server: Server) => (server.sockets[0]!.getsockname() as [string, number])[1];

/** Ask a server that answers with a line, in a task with values of its own. */
async function ask(server: Server): Promise<void> {
  const notes = new Notes();
  await as("client", async () => {
    const [reader, writer] = await openConnection("127.0.0.1", portOf(server));
    notes.note();
    writer.write("question\n");
    await writer.drain();
    notes.note();
    await reader.readline();
    notes.note();
    writer.close();
    await writer.waitClosed();
    notes.note();
  });
  notes.assertAll("client", 4);
}

/** The ways to write a handler. `answer` is the async one. */
const handlers: Record<string, (note: () => void) => ClientConnectedCallback> = {
  "an async function": (note) => async (reader, writer) => {
    await answer(note, reader, writer);
  },
  "a plain function that calls an async one": (note) => (reader, writer) => answer(note, reader, writer),
  "a generator function": (note) =>
    function* (reader, writer) {
      note();
      yield* reader.readline();
      note();
      writer.write("answer\n");
      yield* writer.drain();
      note();
      writer.close();
    },
};

async function answer(note: () => void, reader: StreamReader, writer: StreamWriter): Promise<void> {
  note();
  await reader.readline();
  note();
  writer.write("answer\n");
  await writer.drain();
  note();
  writer.close();
}

for (const [name, makeHandler] of Object.entries(handlers)) {
  inEachBackend(`a stream handler has the values of who started the server: ${name}`, async () => {
    const notes = new Notes();
    const server = await as("server", () => startServer(makeHandler(notes.note), "127.0.0.1", 0));
    await ask(server);
    await ended(server);
    notes.assertAll("server", 3);
  });
}

inEachBackend("a server's protocols have the values of who started it", async ({ loop }) => {
  const notes = new Notes();
  const lost = new Event();
  class Answering extends Protocol {
    #write: (text: string) => void = () => {};

    override connectionMade(transport: Transport): void {
      notes.note();
      this.#write = (text) => transport.write(text);
    }

    override dataReceived(): void {
      notes.note();
      this.#write("answer\n");
    }

    override connectionLost(): void {
      notes.note();
      lost.set();
    }
  }
  const makeProtocol = () => {
    notes.note();
    return new Answering();
  };
  const server = await as("server", () => loop.createServer(makeProtocol, "127.0.0.1", 0));
  await ask(server);
  await lost.wait();
  await ended(server);
  notes.assertAll("server", 4);
});

async function ended(server: Server): Promise<void> {
  server.close();
  await server.waitClosed();
}
