/**
 * Two connected transports, on which anything is called in any order: whatever happens, the protocols are told of it by
 * the rules. Each seed is a program of its own, and always the same one.
 */

import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { Protocol, type Transport } from "../../src/index.ts";
import { type Bench, inEachBackend } from "./backends.ts";
import { pattern, portOf } from "./recorder.ts";

const SEEDS = 150;
const LONGEST_PROGRAM = 60;
const KiB = 1024;

/** What each side sends, from its first byte on: so the other knows what it must get. */
const stream = pattern(16 * KiB * KiB);

/** A protocol that checks every call it gets. A failed check shows as a report to the exception handler. */
class Checked extends Protocol {
  sent = 0;
  received = 0;
  ended = false;
  lost = false;
  #transport: Transport | null = null;
  /** Nothing may be delivered: reading is paused, or the transport closed. */
  #deaf = false;
  #writingPaused = false;
  #eofWritten = false;
  readonly #keepsOpen: boolean;

  constructor(keepsOpen: boolean) {
    super();
    this.#keepsOpen = keepsOpen;
  }

  get made(): boolean {
    return this.#transport !== null;
  }

  get transport(): Transport {
    assert.ok(this.#transport !== null);
    return this.#transport;
  }

  override connectionMade(transport: Transport): void {
    assert.ok(!this.made);
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    assert.ok(this.made && !this.#deaf && !this.ended && !this.lost);
    assert.ok(data.length > 0);
    const end = this.received + data.length;
    assert.ok(stream.subarray(this.received, end).equals(data), "other bytes than were sent");
    this.received = end;
  }

  // CPython calls it again if reading is paused and resumed behind the end; no rule is made of that here.
  override eofReceived(): boolean {
    assert.ok(this.made && !this.#deaf && !this.lost);
    this.ended = true;
    this.#deaf = !this.#keepsOpen;
    return this.#keepsOpen;
  }

  override connectionLost(): void {
    assert.ok(this.made && !this.lost);
    this.lost = true;
  }

  override pauseWriting(): void {
    assert.equal(this.#writingPaused, false);
    this.#writingPaused = true;
    assert.ok(this.transport.getWriteBufferSize() > this.transport.getWriteBufferLimits()[1]);
  }

  override resumeWriting(): void {
    assert.equal(this.#writingPaused, true);
    this.#writingPaused = false;
    assert.ok(this.transport.getWriteBufferSize() <= this.transport.getWriteBufferLimits()[0]);
  }

  send(size: number, inTwo: boolean): void {
    if (this.transport.isClosing() || this.#eofWritten) return;
    const bytes = stream.subarray(this.sent, this.sent + size);
    this.sent += bytes.length;
    if (inTwo) this.transport.writelines([bytes.subarray(0, size >> 1), bytes.subarray(size >> 1)]);
    else this.transport.write(bytes);
  }

  pause(): void {
    this.#deaf = true;
    this.transport.pauseReading();
  }

  resume(): void {
    this.#deaf = this.transport.isClosing();
    this.transport.resumeReading();
  }

  writeEof(): void {
    this.#eofWritten = true;
    this.transport.writeEof();
  }

  close(): void {
    this.#deaf = true;
    this.transport.close();
    assert.ok(this.transport.isClosing());
  }

  abort(): void {
    this.#deaf = true;
    this.transport.abort();
    assert.equal(this.transport.getWriteBufferSize(), 0);
  }

  limit(high: number): void {
    this.transport.setWriteBufferLimits({ high });
  }
}

type Random = (below: number) => number;

/** What a program may do, and how often. */
const steps: readonly [weight: number, step: (side: Checked, random: Random) => unknown][] = [
  [25, (side, random) => side.send(random(3 * KiB), random(3) === 0)],
  [10, (side, random) => side.send(random(1024 * KiB), random(3) === 0)],
  [8, (side) => side.pause()],
  [10, (side) => side.resume()],
  [2, (side) => side.writeEof()],
  [2, (side) => side.close()],
  [1, (side) => side.abort()],
  [3, (side, random) => side.limit(random(200 * KiB))],
  [30, () => turn()],
];

const choices = steps.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));

inEachBackend("whatever is called in whatever order, the protocols are told by the rules", async (bench) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await runProgram(bench, seed);
    assert.deepEqual(bench.reports, [], `seed ${seed}`);
  }
});

async function runProgram({ loop }: Bench, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const left = new Checked(random(2) === 0);
  const right = new Checked(random(2) === 0);
  const server = await loop.createServer(() => right, "127.0.0.1", 0);
  await loop.createConnection(() => left, "127.0.0.1", portOf(server.sockets[0]!));
  while (!right.made) await turn();
  server.close();
  for (let steps = random(LONGEST_PROGRAM); steps > 0; steps--) {
    const side = random(2) === 0 ? left : right;
    await choices[random(choices.length)]!(side, random);
  }
  await finish([left, right]);
  await server.waitClosed();
}

/** Let the sides have what is under way, and end. */
async function finish(sides: readonly [Checked, Checked]): Promise<void> {
  const [left, right] = sides;
  const isCut = sides.some(({ transport }) => transport.isClosing());
  for (const side of sides) {
    side.resume();
    side.writeEof();
  }
  for (const side of sides) while (!side.ended && !side.transport.isClosing()) await turn();
  if (!isCut) assert.deepEqual([left.received, right.received], [right.sent, left.sent]);
  for (const side of sides) side.close();
  for (const side of sides) while (!side.lost) await turn();
}

/** Numbers that look random and are the same each time (mulberry32). */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
