import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CancelledError,
  GeneratorExit,
  KeyboardInterrupt,
  RuntimeError,
  SystemExit,
  TimeoutError,
  ValueError,
} from "../../src/core/errors.ts";
import {
  BaseExceptionGroup,
  ExceptionGroup,
  exceptionGroup,
  isException,
} from "../../src/core/exception-groups.ts";

test("isException is what Python's except Exception catches", () => {
  const ordinary = [
    new Error(),
    new RuntimeError(),
    new TimeoutError(),
    "text",
    null,
    new ExceptionGroup("g", [1]),
  ];
  for (const error of ordinary) assert.equal(isException(error), true);
  const others = [
    new CancelledError(),
    new KeyboardInterrupt(),
    new SystemExit(),
    new GeneratorExit(),
    new BaseExceptionGroup("g", [new CancelledError()]),
    Object.assign(new Error("aborted", { cause: new CancelledError() }), { name: "AbortError" }),
  ];
  for (const error of others) assert.equal(isException(error), false);
});

test("a group has its members in order, and at least one", () => {
  const members = [new Error("a"), "b"];
  const group = new ExceptionGroup("several", new Set(members));
  assert.deepEqual(group.errors, members);
  assert.deepEqual(group.exceptions, members);
  assert.equal(group.message, "several");
  assert.throws(() => new ExceptionGroup("none", []), ValueError);
  assert.throws(() => exceptionGroup("none", []), ValueError);
});

test("an ExceptionGroup holds ordinary errors only, exceptionGroup chooses the right class", () => {
  const nested = new BaseExceptionGroup("inner", [new CancelledError()]);
  for (const member of [new CancelledError(), nested]) {
    assert.throws(() => new ExceptionGroup("several", [new Error(), member]), {
      name: "TypeError",
      message: `Cannot nest ${member.name} in an ExceptionGroup; use BaseExceptionGroup`,
    });
    assert.equal(exceptionGroup("several", [member]).constructor, BaseExceptionGroup);
  }
  assert.equal(exceptionGroup("several", [new Error()]).constructor, ExceptionGroup);
});

function nestedGroup() {
  const type = new TypeError("type");
  const value = new ValueError("value");
  const runtime = new RuntimeError("runtime");
  const inner = new ExceptionGroup("inner", [type, runtime]);
  const outer = new ExceptionGroup("outer", [value, inner], { cause: "cause" });
  return { type, value, runtime, inner, outer };
}

test("split parts a group by class, and keeps the nesting", () => {
  const { type, value, runtime, outer } = nestedGroup();
  const [matching, rest] = outer.split(TypeError);
  assert.equal(matching?.message, "outer");
  assert.equal(matching.exceptions.length, 1);
  const [inner] = matching.exceptions as [ExceptionGroup];
  assert.equal(inner.message, "inner");
  assert.deepEqual(inner.exceptions, [type]);
  assert.equal(rest?.exceptions[0], value);
  assert.ok(rest.exceptions[1] instanceof ExceptionGroup);
  assert.deepEqual(rest.exceptions[1].exceptions, [runtime]);
  assert.equal(matching.cause, "cause");
});

test("split takes several classes, or a function", () => {
  const { value, outer } = nestedGroup();
  const [some, others] = outer.split([TypeError, RuntimeError]);
  assert.ok(some?.exceptions[0] instanceof ExceptionGroup);
  assert.equal(some.exceptions[0].exceptions.length, 2);
  assert.deepEqual(others?.exceptions, [value]);
  const [byFunction] = outer.split((error) => error === value);
  assert.deepEqual(byFunction?.exceptions, [value]);
});

test("split gives the group itself if all of it matches, null for what is empty", () => {
  const { outer } = nestedGroup();
  assert.deepEqual(outer.split(ExceptionGroup), [outer, null]);
  assert.deepEqual(outer.split(Error), [outer, null]);
  const [none, all] = outer.split(CancelledError);
  assert.equal(none, null);
  assert.equal(all?.exceptions.length, 2);
});

test("subgroup is the matching part, or null", () => {
  const { value, outer } = nestedGroup();
  assert.deepEqual(outer.subgroup(ValueError)?.exceptions, [value]);
  assert.equal(outer.subgroup(CancelledError), null);
});

test("a part without cancellations is an ExceptionGroup again", () => {
  const group = new BaseExceptionGroup("several", [new CancelledError(), new Error("mine")]);
  const [cancelled, rest] = group.split(CancelledError);
  assert.equal(cancelled?.constructor, BaseExceptionGroup);
  assert.equal(rest?.constructor, ExceptionGroup);
});

test("a subclass that overrides derive keeps its data in the parts", () => {
  class Failed extends ExceptionGroup {
    readonly host: string;
    constructor(host: string, members: readonly unknown[]) {
      super(`failed on ${host}`, members);
      this.host = host;
    }
    override derive<F>(members: readonly F[]): ExceptionGroup<F> {
      return new Failed(this.host, members) as ExceptionGroup<F>;
    }
  }
  const [part] = new Failed("h1", [new TypeError(), new RuntimeError()]).split(TypeError);
  assert.ok(part instanceof Failed);
  assert.equal(part.host, "h1");
  assert.equal(part.exceptions.length, 1);
});
