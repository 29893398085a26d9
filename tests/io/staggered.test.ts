import assert from "node:assert/strict";
import { CancelledError, coroutine, createTask, Future, getRunningLoop, sleep } from "../../src/index.ts";
import type { Waiting } from "../../src/io/backend.ts";
import { staggeredRace } from "../../src/io/staggered.ts";
import { inEachFlavour } from "../flavours.ts";
import { rejects } from "../helpers.ts";

/** What happened when, in virtual seconds since the race began. */
class Course {
  readonly log: string[] = [];
  readonly discarded: string[] = [];
  readonly #loop = getRunningLoop();
  readonly #begin = this.#loop.time();

  note(event: string): void {
    this.log.push(`${(this.#loop.time() - this.#begin).toFixed(1)} ${event}`);
  }

  /** An attempt that takes `seconds`, and then gives its name, or null if it is to fail. */
  attempt(name: string, seconds: number, succeeds: boolean): () => Waiting<string | null> {
    const course = this;
    return function* () {
      course.note(`${name} starts`);
      try {
        yield* sleep(seconds);
      } catch (error) {
        course.note(`${name} is given up`);
        throw error;
      }
      course.note(`${name} ${succeeds ? "wins" : "fails"}`);
      return succeeds ? name : null;
    };
  }

  race = coroutine((attempts: (() => Waiting<string | null>)[], delay: number) =>
    staggeredRace(attempts, delay, (name) => this.discarded.push(name)),
  );
}

inEachFlavour("the next attempt starts after the delay, and the first to succeed wins", function* ({ on }) {
  const course = new Course();
  const attempts = [
    course.attempt("a", 10, true),
    course.attempt("b", 1, true),
    course.attempt("c", 1, true),
  ];
  assert.equal(yield* on(course.race(attempts, 2)), "b");
  assert.deepEqual(course.log, ["0.0 a starts", "2.0 b starts", "3.0 b wins", "3.0 a is given up"]);
  assert.deepEqual(course.discarded, []);
});

inEachFlavour("an attempt that fails starts the next one at once", function* ({ on }) {
  const course = new Course();
  const attempts = [course.attempt("a", 0.5, false), course.attempt("b", 1, true)];
  assert.equal(yield* on(course.race(attempts, 2)), "b");
  assert.deepEqual(course.log, ["0.0 a starts", "0.5 a fails", "0.5 b starts", "1.5 b wins"]);
});

inEachFlavour("only the failure of the last attempt that was started does so", function* ({ on }) {
  const course = new Course();
  const attempts = [
    course.attempt("a", 3, false),
    course.attempt("b", 10, true),
    course.attempt("c", 1, true),
  ];
  assert.equal(yield* on(course.race(attempts, 2)), "c");
  assert.deepEqual(course.log.slice(0, 4), ["0.0 a starts", "2.0 b starts", "3.0 a fails", "4.0 c starts"]);
});

inEachFlavour("an earlier attempt may win after a later one has started", function* ({ on }) {
  const course = new Course();
  const attempts = [course.attempt("a", 3, true), course.attempt("b", 2, true)];
  assert.equal(yield* on(course.race(attempts, 2)), "a");
  assert.deepEqual(course.log, ["0.0 a starts", "2.0 b starts", "3.0 a wins", "3.0 b is given up"]);
});

inEachFlavour("nobody wins where all fail, and where nobody takes part", function* ({ on }) {
  const course = new Course();
  const attempts = [course.attempt("a", 5, false), course.attempt("b", 1, false)];
  assert.equal(yield* on(course.race(attempts, 2)), null);
  assert.equal(course.log.at(-1), "5.0 a fails");
  assert.equal(yield* on(course.race([], 2)), null);
});

inEachFlavour("of two that succeed at once the second is discarded", function* ({ on }) {
  const course = new Course();
  const attempts = [course.attempt("a", 3, true), course.attempt("b", 1, true)];
  assert.equal(yield* on(course.race(attempts, 2)), "a");
  assert.deepEqual(course.discarded, ["b"]);
});

inEachFlavour("an error of an attempt ends the race, and nobody is left", function* ({ on }) {
  const course = new Course();
  const error = new TypeError("a mistake");
  const attempts = [
    course.attempt("a", 9, true),
    function* (): Waiting<string | null> {
      yield* sleep(1);
      throw error;
    },
  ];
  assert.equal(yield* rejects(on(course.race(attempts, 2)), TypeError), error);
  assert.deepEqual(course.log, ["0.0 a starts", "3.0 a is given up"]);
});

inEachFlavour("cancelling the race cancels the attempts", function* ({ on }) {
  const course = new Course();
  const attempts = [course.attempt("a", 9, true), course.attempt("b", 9, true)];
  const race = createTask(course.race(attempts, 2));
  yield* on(sleep(3));
  race.cancel();
  yield* rejects(on(race), CancelledError);
  assert.deepEqual(course.log.slice(2).sort(), ["3.0 a is given up", "3.0 b is given up"]);
});

inEachFlavour("a cancelled race ends when the clean-up of its attempts is over", function* ({ on }) {
  const course = new Course();
  const tidy = function* (): Waiting<string | null> {
    try {
      yield* new Future<void>();
    } finally {
      yield* sleep(1);
      course.note("clean");
    }
    return null;
  };
  const race = createTask(course.race([tidy], 2));
  yield* on(sleep(3));
  race.cancel();
  yield* rejects(on(race), CancelledError);
  assert.deepEqual(course.log, ["4.0 clean"]);
});

inEachFlavour("what an attempt gives although it was cancelled is discarded", function* ({ on }) {
  const course = new Course();
  const stubborn = function* (): Waiting<string | null> {
    try {
      yield* new Future<void>();
    } catch {
      yield* sleep(1);
    }
    return "stubborn";
  };
  const race = createTask(course.race([stubborn, course.attempt("b", 1, true)], 2));
  assert.equal(yield* on(race), "b");
  assert.deepEqual(course.discarded, ["stubborn"]);
});

inEachFlavour("cancelling a race that is decided discards the winner", function* ({ on }) {
  const course = new Course();
  const slow = function* (): Waiting<string | null> {
    try {
      yield* new Future<void>();
    } finally {
      yield* sleep(5);
    }
    return null;
  };
  const race = createTask(course.race([slow, course.attempt("b", 1, true)], 2));
  yield* on(sleep(4));
  race.cancel();
  yield* rejects(on(race), CancelledError);
  assert.deepEqual(course.discarded, ["b"]);
});
