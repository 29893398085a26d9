import {
  ConnectionError,
  createTask,
  openConnection,
  Queue,
  run,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "../src/index.ts";

export const title = "A chat server that broadcasts, and drops who does not keep up";

/** How many messages may wait for a member. */
const PATIENCE = 16;

class Member {
  readonly name: string;
  readonly #writer: StreamWriter;
  readonly #inbox = new Queue<string>(PATIENCE);

  constructor(name: string, writer: StreamWriter) {
    this.name = name;
    this.#writer = writer;
  }

  /** False if this one is too slow: the others do not wait. */
  tell(message: string): boolean {
    if (this.#inbox.full()) return false;
    this.#inbox.putNowait(message);
    return true;
  }

  async sendAll(): Promise<void> {
    try {
      for await (const message of this.#inbox) {
        this.#writer.write(`${message}\n`);
        await this.#writer.drain();
      }
    } catch (error) {
      unlessLost(error);
    }
  }

  drop(): void {
    this.#writer.transport.abort();
  }
}

/** A connection may be lost at any time: that is the end of its member only. */
function unlessLost(error: unknown): void {
  if (!(error instanceof ConnectionError)) throw error;
}

const members = new Set<Member>();

function broadcast(message: string): void {
  const slow = [...members].filter((member) => !member.tell(message));
  for (const member of slow) {
    members.delete(member);
    member.drop();
    broadcast(`* ${member.name} was too slow`);
  }
}

async function serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
  const name = (await reader.readline()).toString().trim();
  const member = new Member(name, writer);
  const sending = createTask(() => member.sendAll());
  members.add(member);
  broadcast(`* ${name} is here`);
  try {
    for await (const line of reader) broadcast(`${name}: ${line.toString().trim()}`);
  } catch (error) {
    unlessLost(error);
  } finally {
    sending.cancel();
    if (members.delete(member)) broadcast(`* ${name} has left`);
    writer.close();
  }
}

async function enter(port: number, name: string): Promise<[StreamReader, StreamWriter]> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  writer.write(`${name}\n`);
  await reader.readline();
  return [reader, writer];
}

/** Says the same again and again, each time when it has come round, until somebody is dropped. */
async function repeat(text: string, reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (let line = ""; !line.endsWith("too slow\n"); line = (await reader.readline()).toString()) {
    writer.write(`${text}\n`);
    await writer.drain();
  }
}

/** Prints what is short enough, until somebody leaves. */
async function print(reader: StreamReader): Promise<void> {
  for await (const line of reader) {
    const message = line.toString().trim();
    if (message.length < 80) console.log(message);
    if (message.endsWith("has left")) break;
  }
}

export async function main(): Promise<void> {
  await run(async () => {
    await using server = await startServer(serve, "127.0.0.1", 0);
    const [, port] = server.sockets[0]!.getsockname() as [string, number];
    const [bobReads, bob] = await enter(port, "bob");
    const printing = createTask(() => print(bobReads));
    const [, sloth] = await enter(port, "sloth");
    const [annReads, ann] = await enter(port, "ann");
    ann.write("hello, everybody\n");
    await repeat("bla".repeat(10_000), annReads, ann);
    ann.writeEof();
    await annReads.read();
    await printing;
    for (const writer of [ann, bob, sloth]) writer.close();
  });
}
