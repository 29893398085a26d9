import assert from "node:assert/strict";
import { CancelledError, createTask, Future, getRunningLoop, shield, sleep } from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { collectReports, rejects } from "../helpers.ts";

inEachFlavour("a shield gives the result, or the error, of what it shields", function* ({ on, coroutine }) {
  const work = coroutine(function* (fail: boolean) {
    yield* on(sleep(1));
    if (fail) throw new TypeError("mine");
    return "result";
  });
  assert.equal(yield* on(shield(work(false))), "result");
  yield* rejects(on(shield(work(true))), TypeError, "mine");
  assert.equal(yield* on(shield(Promise.resolve("promise"))), "promise");
});

inEachFlavour("what is done already is given back unchanged", function* ({ on }) {
  const done = new Future<string>();
  done.setResult("result");
  assert.equal(shield(done), done);
  yield* on(sleep(0));
});

inEachFlavour(
  "cancelling the shield, or who awaits it, leaves the work running",
  function* ({ on, coroutine }) {
    const work = createTask(() => sleep(5, "work done"));
    const waiting = createTask(
      coroutine(function* () {
        return yield* on(shield(work));
      })(),
    );
    const outer = shield(work);
    yield* on(sleep(1));
    waiting.cancel("enough");
    assert.equal(outer.cancel(), true);
    yield* rejects(on(waiting), CancelledError, "enough");
    assert.equal(outer.cancelled(), true);
    assert.equal(work.cancelling(), 0);
    assert.equal(yield* on(work), "work done");
  },
);

inEachFlavour("cancelling the work cancels the shield", function* ({ on }) {
  const work = createTask(() => sleep(5));
  const outer = shield(work);
  yield* on(sleep(1));
  work.cancel();
  yield* rejects(on(outer), CancelledError);
  assert.equal(outer.cancelled(), true);
});

inEachFlavour("a shield that is given up is no longer among those who wait", function* ({ on }) {
  const work = new Future<void>();
  for (let i = 0; i < 10; i++) shield(work).cancel();
  yield* on(sleep(0));
  assert.equal(String(work), "<Future pending>");
});

inEachFlavour("an error behind a shield that was given up is reported", function* ({ on, coroutine }) {
  const reports = collectReports();
  const error = new TypeError("mine");
  const work = coroutine(function* () {
    yield* on(sleep(1));
    throw error;
  });
  shield(work()).cancel();
  yield* on(sleep(2));
  getRunningLoop().obligations.callIn();
  assert.deepEqual(
    reports.map(({ exception }) => exception),
    [error],
  );
});

inEachFlavour(
  "an error that comes in the iteration in which the shield is given up is not reported",
  function* ({ on }) {
    const reports = collectReports();
    const work = new Future<void>();
    const outer = shield(work);
    work.setException(new TypeError("mine"));
    outer.cancel();
    yield* on(sleep(1));
    getRunningLoop().obligations.callIn();
    assert.deepEqual(reports, []);
  },
);
