import assert from "node:assert/strict";
import { CancelledError, createTask, sleep } from "../../src/index.ts";
import { type Flavour, inEachFlavour, type Steps } from "../flavours.ts";
import { choose, type Operation, readAll, Source } from "./streams-oracle.ts";
import { Random, reset } from "./streams-support.ts";

/** How many streams are read in each flavour: `STREAM_CASES=100000` reads more of them. */
const CASES = Number(process.env.STREAM_CASES ?? 8000);

/** Read, and check what came of it in the same step: a step later more may have come in. */
function* carryOut(source: Source, on: Flavour["on"], operation: Operation): Steps<void> {
  const { broken } = source;
  let value: Buffer | null = null;
  let error: unknown = null;
  try {
    value = yield* operation.read(on);
  } catch (thrown) {
    error = thrown;
  }
  source.draining = false;
  if (error instanceof CancelledError) throw error;
  if (error === reset) assert.ok(source.broken);
  else assert.equal(broken, false, "nothing can be read any more");
  if (error !== reset) operation.check(value, error);
  source.checkState();
}

/** Carry it out; perhaps in a task of its own, which is cancelled after some turns: then nothing may have been taken. */
function* attempt(random: Random, source: Source, flavour: Flavour, operation: Operation): Steps<void> {
  const { on, coroutine } = flavour;
  for (let turns = random.int(-6, 3); turns > 0; turns--) yield* on(sleep(0));
  if (random.int(0, 3) > 0) return yield* carryOut(source, on, operation);
  const task = createTask(coroutine(() => carryOut(source, on, operation))());
  for (let turns = random.int(0, 3); turns > 0; turns--) yield* on(sleep(0));
  task.cancel();
  try {
    yield* on(task);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    source.checkState();
  }
}

/** All of one stream: what was not read at random is read at the end. */
function* readStream(seed: number, flavour: Flavour): Steps<void> {
  const random = new Random(seed);
  const source = new Source(new Random(seed + 1e9));
  const feeding = createTask(source.feed());
  const done: string[] = [];
  try {
    for (let steps = random.int(0, 12); steps > 0; steps--) {
      const operation = choose(random, source);
      done.push(operation.name);
      yield* attempt(random, source, flavour, operation);
    }
    yield* carryOut(source, flavour.on, readAll(source, -1));
    yield* flavour.on(feeding);
    if (!source.broken) assert.equal(source.position, source.data.length);
  } catch (error) {
    throw new Error(`with seed ${seed}, after ${done.join(", ")}`, { cause: error });
  }
}

inEachFlavour(`${CASES} random streams are read as an oracle says`, function* (flavour) {
  for (let seed = 0; seed < CASES; seed++) yield* readStream(seed, flavour);
});
