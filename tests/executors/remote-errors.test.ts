import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeError, encodeError } from "../../src/executors/remote-errors.ts";
import {
  CancelledError,
  ExceptionGroup,
  IncompleteReadError,
  OSError,
  registerError,
  TimeoutError,
  ValueError,
} from "../../src/index.ts";

/** There and back, as the message that workers send. */
function roundTrip<T>(error: T): T {
  return decodeError(structuredClone(encodeError(error))) as T;
}

test("errors of the language, of Node and of this library keep their class, message and stack", () => {
  const errors = [
    new Error("a"),
    new TypeError("b"),
    new RangeError(""),
    new AggregateError([new TypeError("c")], "d"),
    new ValueError("e"),
    new CancelledError(),
    new TimeoutError(),
    new OSError("EMFILE", "f", { errno: 24, syscall: "open" }),
    new DOMException("g", "AbortError"),
  ];
  for (const error of errors) {
    const back = roundTrip(error);
    assert.equal(back.constructor, error.constructor);
    assert.deepEqual([back.name, back.message, back.stack], [error.name, error.message, error.stack]);
    assert.equal("code" in back && back.code, "code" in error && error.code);
  }
});

test("their properties come along, and are as visible as they were", () => {
  const error = Object.assign(new Error("x"), { code: "E", detail: { deep: [1, new Map([[1, 2]])] } });
  const back = roundTrip(error);
  assert.deepEqual(Object.keys(back), ["code", "detail"]);
  assert.deepEqual(back.detail, error.detail);
  const partial = roundTrip(new IncompleteReadError(Buffer.from("ab"), 5));
  assert.equal(Buffer.from(partial.partial).toString(), "ab");
  assert.equal(partial.expected, 5);
});

test("causes and members are errors again, and circles end", () => {
  const error = new Error("outer", { cause: new RangeError("inner", { cause: "text" }) });
  const back = roundTrip(error);
  assert.ok(back.cause instanceof RangeError);
  assert.equal(back.cause.cause, "text");
  const group = roundTrip(new ExceptionGroup("many", [new ValueError("a"), new TypeError("b")]));
  assert.ok(group instanceof ExceptionGroup);
  assert.ok(group.exceptions[0] instanceof ValueError);
  const circle: Error & { self?: unknown } = new Error("round");
  circle.self = circle;
  assert.equal(roundTrip(circle).self, "Error: round");
});

test("a class that is not known becomes the nearest that is, under its name", () => {
  class Unknown extends ValueError {}
  class Named extends Error {
    override name = "Fancy";
  }
  const back = roundTrip(new Unknown("x"));
  assert.ok(back instanceof ValueError);
  assert.equal(back.name, "ValueError");
  assert.equal(roundTrip(new Named("y")).name, "Fancy");
  class Nameless extends TypeError {}
  assert.equal(roundTrip(new Nameless("z")).name, "Nameless");
});

test("a class that was registered comes back as itself, without its constructor", () => {
  let made = 0;
  class Registered extends Error {
    readonly secret: number;
    constructor(secret: number) {
      super(`secret ${secret}`);
      this.secret = secret;
      made++;
    }
    ask() {
      return this.secret;
    }
  }
  registerError(Registered);
  registerError(Registered);
  const back = roundTrip(new Registered(5));
  assert.ok(back instanceof Registered);
  assert.equal(back.ask(), 5);
  assert.equal(made, 1);
});

test("what is no class of errors, or has another's name, is refused", () => {
  assert.throws(() => registerError(5 as never), TypeError);
  assert.throws(() => registerError(Map as never), TypeError);
  const Impostor = class extends Error {};
  Object.defineProperty(Impostor, "name", { value: "TypeError" });
  assert.throws(() => registerError(Impostor), { name: "ValueError", message: /another class of errors/ });
});

test("anything can be thrown; what cannot be sent is there as text", () => {
  for (const value of [undefined, null, 5, "text", { a: 1 }, [1, "x"]])
    assert.deepEqual(roundTrip(value), value);
  assert.equal(roundTrip<unknown>(Symbol("s")), "Symbol(s)");
  assert.equal(roundTrip(Object.assign(new Error("x"), { f: () => 1 })).f as unknown, "[Function: f]");
});

test("a getter that throws does not hide the error", () => {
  const error = new Error("real");
  Object.defineProperty(error, "bad", {
    enumerable: true,
    get() {
      throw new Error("in the getter");
    },
  });
  assert.equal(roundTrip(error).message, "real");
});

test("whatever somebody made of an error, it can be sent", () => {
  const strange = (change: (error: Error) => void) => {
    const error = new RangeError("strange");
    change(error);
    return roundTrip(error);
  };
  const failing = { get: () => assert.fail("in the getter") };
  assert.equal(strange((error) => Object.defineProperty(error, "stack", failing)).message, "strange");
  assert.match(strange((error) => Object.defineProperty(error, "message", failing)).message, /in the getter/);
  assert.equal(strange((error) => Reflect.set(error, "message", () => 1)).message, "[Function (anonymous)]");
  assert.equal(strange((error) => Reflect.set(error, "stack", 5)).stack, "5");
  const orphan = strange((error) => {
    Object.setPrototypeOf(error, Object.create(RangeError.prototype, { constructor: { value: null } }));
  });
  assert.ok(orphan instanceof RangeError);
});

test("lists that contain themselves, and chains without end, end", () => {
  const list: unknown[] = [1];
  list.push(list);
  assert.deepEqual(roundTrip(Object.assign(new Error("x"), { list })).list, [1, "[...]"]);
  let error = new Error("first");
  for (let n = 0; n < 20_000; n++) error = new Error(`link ${n}`, { cause: error });
  let length = 0;
  for (let link: unknown = roundTrip(error); link instanceof Error; link = link.cause) length++;
  assert.equal(length, 100);
});
