import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Context,
  ContextVar,
  copyContext,
  createTask,
  coroutine as decorate,
  getRunningLoop,
  LookupError,
  RuntimeError,
  sleep,
  Token,
  ValueError,
} from "../../src/index.ts";
import { inEachFlavour } from "../flavours.ts";
import { newLoop } from "../helpers.ts";

test("a variable without a value gives the fallback, its default, or LookupError", () => {
  const bare = new ContextVar<string>("bare");
  const defaulted = new ContextVar<string>("defaulted", { defaultValue: "default" });
  assert.throws(() => bare.get(), { name: "LookupError", message: 'context variable "bare" has no value' });
  assert.throws(() => bare.get(), LookupError);
  assert.equal(bare.get("fallback"), "fallback");
  assert.equal(defaulted.get(), "default");
  assert.equal(defaulted.get("fallback"), "fallback");
});

test("undefined is a default, a fallback and a value", () => {
  const variable = new ContextVar<string | undefined>("variable");
  const defaulted = new ContextVar<string | undefined>("defaulted", { defaultValue: undefined });
  assert.equal(defaulted.get(), undefined);
  assert.equal(variable.get(undefined), undefined);
  new Context().run(() => {
    variable.set(undefined);
    assert.equal(variable.get("fallback"), undefined);
  });
});

test("what is set in a context stays in it", () => {
  const variable = new ContextVar<string>("variable", { defaultValue: "default" });
  const context = new Context();
  const result = context.run(
    (a: number, b: number) => {
      variable.set("inside");
      return a + b;
    },
    1,
    2,
  );
  assert.equal(result, 3);
  assert.equal(variable.get(), "default");
  assert.equal(context.get(variable), "inside");
  context.run(() => assert.equal(variable.get(), "inside"));
});

test("a copy has the values of its original, and both go their own ways", () => {
  const variable = new ContextVar<number>("variable");
  const original = new Context();
  original.run(() => variable.set(1));
  const copy = original.copy();
  copy.run(() => variable.set(2));
  assert.equal(original.get(variable), 1);
  assert.equal(copy.get(variable), 2);
});

test("copyContext copies the current context", () => {
  const variable = new ContextVar<number>("variable");
  const context = new Context();
  context.run(() => {
    variable.set(1);
    const copy = copyContext();
    variable.set(2);
    assert.equal(copy.get(variable), 1);
    assert.notEqual(copy, context);
  });
});

test("a context can be looked at like a map", () => {
  const a = new ContextVar<number>("a");
  const b = new ContextVar<number>("b");
  const context = new Context();
  assert.equal(context.size, 0);
  context.run(() => a.set(1));
  assert.equal(context.has(a), true);
  assert.equal(context.has(b), false);
  assert.equal(context.get(b), undefined);
  assert.deepEqual([...context], [a]);
  assert.equal(context.size, 1);
});

test("a context that is being run cannot be run again, its copy can", () => {
  const context = new Context();
  context.run(() => {
    assert.throws(() => context.run(() => {}), RuntimeError);
    assert.equal(
      context.copy().run(() => "copy"),
      "copy",
    );
  });
  assert.equal(
    context.run(() => "again"),
    "again",
  );
  assert.throws(
    () =>
      context.run(() => {
        throw new TypeError("mine");
      }),
    TypeError,
  );
  assert.equal(
    context.run(() => "after an error"),
    "after an error",
  );
});

test("a token gives the earlier value back, once", () => {
  const variable = new ContextVar<string>("variable");
  new Context().run(() => {
    const first = variable.set("first");
    const second = variable.set("second");
    assert.ok(first instanceof Token);
    assert.equal(first.variable, variable);
    assert.equal(first.oldValue, null);
    assert.deepEqual(second.oldValue, { value: "first" });
    variable.reset(second);
    assert.equal(variable.get(), "first");
    assert.throws(() => variable.reset(second), RuntimeError);
    variable.reset(first);
    assert.throws(() => variable.get(), LookupError);
  });
});

test("a token is good for its own variable and context only", () => {
  const variable = new ContextVar<string>("variable");
  const other = new ContextVar<string>("other");
  const context = new Context();
  const token = context.run(() => variable.set("value"));
  assert.throws(() => variable.reset(token), ValueError);
  context.run(() => assert.throws(() => other.reset(token), ValueError));
  context.run(() => variable.reset(token));
  assert.equal(context.has(variable), false);
});

inEachFlavour("at the end of a using block the earlier value is back, across waits", function* ({ on }) {
  const variable = new ContextVar<string>("variable");
  const seen: string[] = [];
  {
    using _outer = variable.set("outer");
    {
      using token = variable.set("inner");
      assert.deepEqual(token.oldValue, { value: "outer" });
      yield* on(sleep(1));
      seen.push(variable.get());
    }
    seen.push(variable.get());
  }
  assert.deepEqual(seen, ["inner", "outer"]);
  assert.throws(() => variable.get(), LookupError);
});

test("a using block does not reset again what was reset by hand", () => {
  const variable = new ContextVar<string>("variable");
  new Context().run(() => {
    {
      using token = variable.set("first");
      variable.reset(token);
      variable.set("second");
    }
    assert.equal(variable.get(), "second");
  });
});

test("a using block that ends in another context than it began is an error", () => {
  const variable = new ContextVar<string>("variable");
  const token = new Context().run(() => variable.set("value"));
  assert.throws(() => token[Symbol.dispose](), ValueError);
});

test("variables and tokens show their names", () => {
  const variable = new ContextVar<string>("request");
  assert.equal(variable.name, "request");
  assert.equal(String(variable), '<ContextVar name="request">');
  new Context().run(() => {
    const token = variable.set("x");
    assert.equal(String(token), '<Token var=<ContextVar name="request">>');
    variable.reset(token);
    assert.equal(String(token), '<Token used var=<ContextVar name="request">>');
  });
});

inEachFlavour(
  "a task sees what it sets, in the coroutines it awaits too, and nobody else does",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const variable = new ContextVar<string>("variable", { defaultValue: "default" });
    const look = coroutine(function* () {
      yield* on(sleep(1));
      return variable.get();
    });
    const worker = coroutine(function* (name: string) {
      variable.set(name);
      return yield* on(look());
    });
    const tasks = [createTask(worker("a")), createTask(worker("b"))];
    assert.equal(yield* on(look()), "default");
    const seen: string[] = [];
    for (const task of tasks) seen.push(yield* on(task));
    assert.deepEqual(seen, ["a", "b"]);
    assert.equal(variable.get(), "default");
  },
);

inEachFlavour(
  "what an awaited coroutine sets is seen by who awaits it: they are one task",
  function* (flavour) {
    const { on, coroutine } = flavour;
    const variable = new ContextVar<string>("variable");
    const set = coroutine(function* () {
      yield* on(sleep(0));
      variable.set("by the coroutine");
    });
    yield* on(set());
    assert.equal(variable.get(), "by the coroutine");
  },
);

inEachFlavour("a callback sees the values of the moment in which it was queued", function* ({ on }) {
  const variable = new ContextVar<string>("variable");
  const loop = getRunningLoop();
  const seen: string[] = [];
  variable.set("when queued");
  loop.callSoon(() => {
    seen.push(variable.get());
    variable.set("by the callback");
  });
  loop.callLater(1, () => seen.push(variable.get()));
  variable.set("later");
  yield* on(sleep(2));
  assert.deepEqual(seen, ["when queued", "when queued"]);
  assert.equal(variable.get(), "later");
});

test("Context.run holds for an async function across its awaits, and for the coroutines it awaits", async () => {
  using loop = newLoop();
  const variable = new ContextVar<string>("variable");
  const context = new Context();
  context.run(() => variable.set("of the context"));
  const asynchronous = decorate(async () => {
    const before = variable.get();
    await sleep(1);
    return [before, variable.get()];
  });
  const generator = decorate(function* () {
    const before = variable.get();
    yield* sleep(1);
    return [before, variable.get()];
  });
  const seen = await loop.runUntilComplete(async () => {
    variable.set("of the task");
    const inside = await context.run(async () => {
      await null;
      const own = variable.get();
      return [own, ...(await asynchronous()), ...(await generator()), variable.get()];
    });
    return [...inside, variable.get()];
  });
  assert.deepEqual(seen, [...Array(6).fill("of the context"), "of the task"]);
});

test("what an async function sets in Context.run stays in that context", async () => {
  using loop = newLoop();
  const variable = new ContextVar<string>("variable", { defaultValue: "default" });
  const context = new Context();
  await loop.runUntilComplete(async () => {
    await context.run(async () => {
      await sleep(1);
      variable.set("set behind an await");
    });
    assert.equal(variable.get(), "default");
  });
  assert.equal(context.get(variable), "set behind an await");
});
