/**
 * `node effect.js NAME SIZE`: what there is of the programs in Effect's fibers. JavaScript, since the types of Effect are
 * there only after bench/setup.sh.
 */

import { Effect, Fiber } from "effect";
import { BATCH, measure, rounds } from "./measure.ts";

const nap = Effect.gen(function* () {
  yield* Effect.yieldNow;
});

const spawn = (size) =>
  Effect.gen(function* () {
    const count = Math.min(size, BATCH);
    for (let i = 0; i < rounds(size, count); i++) {
      const fibers = [];
      for (let k = 0; k < count; k++) fibers.push(yield* Effect.forkChild(nap));
      for (const fiber of fibers) yield* Fiber.join(fiber);
    }
  });

await measure({ spawn }, (program, size) => Effect.runPromise(program(size)));
