import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, loadWork, Performer } from "../../src/executors/perform.ts";
import { portable } from "../../src/executors/work.ts";

const NO_COROUTINES = () => assert.fail("no coroutine was expected");

test("a job whose signal has aborted before is not called", async () => {
  const performer = new Performer(NO_COROUTINES);
  const reason = new RangeError("too late");
  const mark = () => {
    Reflect.set(globalThis, "marked", true);
  };
  await assert.rejects(performer.call(portable(mark), [], AbortSignal.abort(reason)), reason);
  assert.equal(Reflect.get(globalThis, "marked"), undefined);
});

test("what was sent runs in strict mode, as a module does", () => {
  assert.equal(
    evaluate("function () { return (function () { return this; })(); }", "f").call({} as never),
    undefined,
  );
});

test("a function is made of its source once, so that it can keep something", async () => {
  const performer = new Performer(NO_COROUTINES);
  const { signal } = new AbortController();
  const count = function counter(): number {
    const self = counter as unknown as { calls?: number };
    self.calls = (self.calls ?? 0) + 1;
    return self.calls;
  };
  for (const expected of [1, 2, 3])
    assert.equal(await performer.call(portable(count as never), [], signal), expected);
});

test("a getter, a setter and a method called get are sent as the functions that they are", async () => {
  const object = {
    get answer() {
      return 42;
    },
    set answer(_n: number) {},
    get() {
      return 43;
    },
  };
  const { get, set } = Object.getOwnPropertyDescriptor(object, "answer")!;
  assert.equal((await loadWork(portable(get as never))).call({} as never), 42);
  assert.equal((await loadWork(portable(set as never))).call({} as never, 1), undefined);
  assert.equal((await loadWork(portable(object.get))).call({} as never), 43);
});
