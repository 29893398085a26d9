/** Whatever a protocol does to its transport within a callback: it is told what CPython 3.13 tells it, which made this table. */

import assert from "node:assert/strict";
import { Event, Protocol, sleep, startServer, type Transport } from "../../src/index.ts";
import { type Bench, idle, inEachBackend } from "./backends.ts";
import { HUGE, leavingNoFile, MiB } from "./carriers.ts";
import { portOf } from "./recorder.ts";

const BIG = HUGE.subarray(0, 8 * MiB);

type Callback = "made" | "data" | "eof" | "lost" | "pause" | "resume";
type Doing = (transport: Transport, protocol: Doer) => void;

/** Notes what it is told, data in a row only once; does something in some callbacks, the first time. */
class Doer extends Protocol {
  readonly calls: string[] = [];
  readonly lost = new Event();
  successor: Doer | null = null;
  transport!: Transport;
  readonly #does: Map<Callback, Doing>;
  readonly #keepsOpen: boolean;

  constructor(does: Partial<Record<Callback, Doing>>, keepsOpen = false) {
    super();
    this.#does = new Map(Object.entries(does) as [Callback, Doing][]);
    this.#keepsOpen = keepsOpen;
  }

  override connectionMade(transport: Transport): void {
    this.transport = transport;
    this.#told("made");
  }

  override dataReceived(): void {
    if (this.calls.at(-1) !== "data") this.#told("data");
  }

  override eofReceived(): boolean {
    this.#told("eof");
    return this.#keepsOpen;
  }

  override connectionLost(error: Error | null): void {
    this.#told("lost");
    assert.equal(error, null);
    this.lost.set();
  }

  override pauseWriting(): void {
    this.#told("pause");
  }

  override resumeWriting(): void {
    this.#told("resume");
  }

  #told(callback: Callback): void {
    this.calls.push(callback);
    const does = this.#does.get(callback);
    this.#does.delete(callback);
    does?.(this.transport, this);
  }
}

const write =
  (data: Uint8Array | string): Doing =>
  (transport) =>
    transport.write(data);
const close: Doing = (transport) => transport.close();
const abort: Doing = (transport) => transport.abort();
const writeEof: Doing = (transport) => transport.writeEof();
const both =
  (...all: Doing[]): Doing =>
  (transport, protocol) => {
    for (const does of all) does(transport, protocol);
  };
const setProtocol: Doing = (transport, protocol) => {
  const successor = new Doer({});
  successor.transport = transport;
  protocol.successor = successor;
  transport.setProtocol(successor);
};

interface Case {
  readonly does: Partial<Record<Callback, Doing>>;
  readonly told: string;
  /** What the other side gets; null where a reset may drop some of it, as the answer is unread. */
  readonly sent: number | null;
  readonly successorTold?: string;
  /** Whether the other side ends with its answer. */
  readonly answerEnds?: boolean;
  readonly keepsOpen?: boolean;
}

const big = BIG.length;
const made = write(BIG);

const CASES: Readonly<Record<string, Case>> = {
  "write in pauseWriting": {
    does: { made, pause: write("x".repeat(1000)) },
    told: "made pause data resume",
    sent: big + 1000,
  },
  "close in pauseWriting": { does: { made, pause: close }, told: "made pause resume lost", sent: null },
  "abort in pauseWriting": { does: { made, pause: abort }, told: "made pause lost", sent: null },
  "writeEof in pauseWriting": {
    does: { made, pause: writeEof },
    told: "made pause data resume eof lost",
    sent: big,
  },
  "setProtocol in pauseWriting": {
    does: { made, pause: setProtocol },
    told: "made pause",
    successorTold: "data resume",
    sent: big,
  },
  "write in resumeWriting": {
    does: { made, resume: write(BIG) },
    told: "made pause data resume pause resume",
    sent: 2 * big,
  },
  "close in resumeWriting": { does: { made, resume: close }, told: "made pause data resume lost", sent: big },
  "abort in resumeWriting": {
    does: { made, resume: abort },
    told: "made pause data resume lost",
    sent: null,
  },
  "writeEof in resumeWriting": {
    does: { made, resume: writeEof },
    told: "made pause data resume eof lost",
    sent: big,
  },
  "setProtocol in resumeWriting": {
    does: { made, resume: setProtocol },
    told: "made pause data resume",
    sent: big,
  },
  "write and close in resumeWriting": {
    does: { made, resume: both(write("tail"), close) },
    told: "made pause data resume lost",
    sent: big + 4,
  },
  "write, writeEof and close in connectionMade": {
    does: { made: both(made, writeEof, close) },
    told: "made pause resume lost",
    sent: null,
  },
  "close in dataReceived": { does: { made: write("q"), data: close }, told: "made data lost", sent: 1 },
  "abort in dataReceived": { does: { made: write("q"), data: abort }, told: "made data lost", sent: 1 },
  "setProtocol in dataReceived": {
    does: { made: write("q"), data: setProtocol },
    told: "made data",
    sent: 1,
  },
  "write in connectionLost": {
    does: { made: both(write("q"), close), lost: write("z") },
    told: "made lost",
    sent: 1,
  },
  "close and abort in connectionLost": {
    does: { made: abort, lost: both(close, abort) },
    told: "made lost",
    sent: 0,
  },
  "write in eofReceived": {
    does: { made: write("END"), eof: write("bye") },
    told: "made data eof lost",
    answerEnds: true,
    sent: 6,
  },
  "write and close in eofReceived, which keeps the connection open": {
    does: { made: write("END"), eof: both(made, close) },
    told: "made data eof pause resume lost",
    answerEnds: true,
    keepsOpen: true,
    sent: big + 3,
  },
  "marks of 0 and close in resumeWriting": {
    does: {
      made: both((transport) => transport.setWriteBufferLimits({ high: 0 }), made),
      resume: close,
    },
    told: "made pause data resume lost",
    sent: big,
  },
};

/** Takes all that comes, and answers when it begins. */
class Taker {
  size = 0;
  readonly ended = new Event();

  async serve({ loop, defer }: Bench, answerEnds: boolean): Promise<number> {
    const server = await startServer(
      async (reader, writer) => {
        try {
          for (let data = await reader.read(65536); data.length > 0; data = await reader.read(65536)) {
            if (this.size === 0) writer.write("answer");
            if (this.size === 0 && answerEnds) writer.writeEof();
            this.size += data.length;
            await sleep(0);
          }
        } catch {
          // A reset.
        } finally {
          writer.close();
          this.ended.set();
        }
      },
      "127.0.0.1",
      0,
    );
    defer(() => server.close({ drain: 5 }));
    assert.equal(loop.isRunning(), true);
    return portOf(server.sockets[0]!);
  }
}

async function check(
  bench: Bench,
  { does, told, sent, successorTold = "", ...options }: Case,
): Promise<void> {
  const taker = new Taker();
  const port = await taker.serve(bench, options.answerEnds ?? false);
  const doer = new Doer(does, options.keepsOpen);
  await bench.loop.createConnection(() => doer, "127.0.0.1", port);
  const expected = told.split(" ").length;
  if (told.endsWith("lost")) await doer.lost.wait();
  while (doer.calls.length < expected || (doer.successor?.calls.length ?? 0) < wordsOf(successorTold)) {
    await idle();
  }
  if (sent !== null) while (taker.size < sent) await idle();
  await idle();
  assert.equal(doer.calls.join(" "), told);
  assert.equal(doer.successor?.calls.join(" ") ?? "", successorTold);
  if (sent !== null) assert.equal(taker.size, sent);
  doer.transport.abort();
  if (taker.size > 0) await taker.ended.wait();
}

function wordsOf(text: string): number {
  return text === "" ? 0 : text.split(" ").length;
}

for (const [name, one] of Object.entries(CASES)) {
  inEachBackend(name, (bench) => leavingNoFile(bench, (inner) => check(inner, one)), { timeout: 30_000 });
}
