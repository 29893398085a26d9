import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../../src/core/errors.ts";
import {
  BaseException,
  BaseExceptionGroup,
  BlockingIOError,
  BrokenBarrierError,
  BrokenPipeError,
  CancelledError,
  ConnectionError,
  ConnectionRefusedError,
  EOFError,
  ExceptionGroup,
  exceptionGroup,
  IncompleteReadError,
  isException,
  isFatal,
  KeyboardInterrupt,
  LimitOverrunError,
  NotImplementedError,
  OSError,
  osError,
  ProcessLookupError,
  RuntimeError,
  SendfileNotAvailableError,
  SystemExit,
  TimeoutError,
  ValueError,
} from "../../src/core/errors.ts";

/** One of each class whose code is its own. The codes are an interface: they never change. */
const CODES: [Error & { code: string }, string][] = [
  [new errors.BaseException(), "ERR_ASYNCIO_BASE_EXCEPTION"],
  [new errors.CancelledError(), "ERR_ASYNCIO_CANCELLED"],
  [new errors.KeyboardInterrupt(), "ERR_ASYNCIO_KEYBOARD_INTERRUPT"],
  [new errors.SystemExit(), "ERR_ASYNCIO_SYSTEM_EXIT"],
  [new errors.GeneratorExit(), "ERR_ASYNCIO_GENERATOR_EXIT"],
  [new errors.RuntimeError(), "ERR_ASYNCIO_RUNTIME"],
  [new errors.ValueError(), "ERR_ASYNCIO_VALUE"],
  [new errors.LookupError(), "ERR_ASYNCIO_LOOKUP"],
  [new errors.NotImplementedError(), "ERR_ASYNCIO_NOT_IMPLEMENTED"],
  [new errors.InvalidStateError(), "ERR_ASYNCIO_INVALID_STATE"],
  [new errors.BrokenBarrierError(), "ERR_ASYNCIO_BROKEN_BARRIER"],
  [new errors.QueueEmpty(), "ERR_ASYNCIO_QUEUE_EMPTY"],
  [new errors.QueueFull(), "ERR_ASYNCIO_QUEUE_FULL"],
  [new errors.QueueShutDown(), "ERR_ASYNCIO_QUEUE_SHUT_DOWN"],
  [new errors.EOFError(), "ERR_ASYNCIO_EOF"],
  [new errors.IncompleteReadError(Buffer.from("ab"), 5), "ERR_ASYNCIO_INCOMPLETE_READ"],
  [new errors.LimitOverrunError("too long", 7), "ERR_ASYNCIO_LIMIT_OVERRUN"],
  [new errors.SendfileNotAvailableError(), "ERR_ASYNCIO_SENDFILE_NOT_AVAILABLE"],
  [new errors.BaseExceptionGroup("group", [new CancelledError()]), "ERR_ASYNCIO_BASE_EXCEPTION_GROUP"],
  [new errors.ExceptionGroup("group", [new Error()]), "ERR_ASYNCIO_EXCEPTION_GROUP"],
];

test("each error has its class's name and its stable code, and no two share one", () => {
  for (const [error, code] of CODES) {
    assert.equal(error.code, code);
    assert.equal(error.name, error.constructor.name);
    assert.ok(error instanceof Error);
  }
  assert.equal(new Set(CODES.map(([, code]) => code)).size, CODES.length);
});

test("every error class is either listed above or an OSError", () => {
  const listed = new Set<unknown>(CODES.map(([error]) => error.constructor));
  for (const [name, value] of Object.entries(errors)) {
    if (typeof value !== "function" || !(value.prototype instanceof Error)) continue;
    const known = listed.has(value) || value === OSError || value.prototype instanceof OSError;
    assert.ok(known, `${name} has no code in this test`);
  }
});

test("the classes are related as in Python", () => {
  const cancelled = new CancelledError();
  assert.ok(cancelled instanceof BaseException);
  assert.ok(new TimeoutError() instanceof OSError);
  assert.ok(new BrokenPipeError("EPIPE", "") instanceof ConnectionError);
  assert.ok(new ConnectionRefusedError("ECONNREFUSED", "") instanceof OSError);
  assert.ok(new BrokenBarrierError() instanceof RuntimeError);
  assert.ok(new NotImplementedError() instanceof RuntimeError);
  assert.ok(new SendfileNotAvailableError() instanceof RuntimeError);
  assert.ok(new IncompleteReadError(Buffer.alloc(0), 1) instanceof EOFError);
  assert.ok(new ValueError() instanceof RangeError);
  assert.ok(new ExceptionGroup("group", [new Error()]) instanceof AggregateError);
  assert.ok(!((new RuntimeError() as unknown) instanceof BaseException));
});

test("errors carry their data", () => {
  assert.equal(new SystemExit(3).exitCode, 3);
  assert.equal(new SystemExit().exitCode, 0);
  const incomplete = new IncompleteReadError(Buffer.from("ab"), 5);
  assert.deepEqual([incomplete.partial.toString(), incomplete.expected], ["ab", 5]);
  assert.equal(incomplete.message, "2 bytes read on a total of 5 expected bytes");
  assert.match(new IncompleteReadError(Buffer.alloc(0), null).message, /total of undefined expected bytes/);
  const overrun = new LimitOverrunError("too long", 7);
  assert.deepEqual([overrun.message, overrun.consumed], ["too long", 7]);
});

test("the message and the cause are those that were given", () => {
  const cause = new Error("cause");
  const error = new RuntimeError("what", { cause });
  assert.equal(error.message, "what");
  assert.equal(error.cause, cause);
  assert.equal(new CancelledError().message, "");
  assert.equal(new TimeoutError(undefined, { cause }).cause, cause);
  assert.equal(String(error), "RuntimeError: what");
});

test("osError makes the class that Python uses for the code", () => {
  const expected = {
    EAGAIN: "BlockingIOError",
    EALREADY: "BlockingIOError",
    EINPROGRESS: "BlockingIOError",
    EINTR: "InterruptedError",
    EPIPE: "BrokenPipeError",
    ESHUTDOWN: "BrokenPipeError",
    ECONNABORTED: "ConnectionAbortedError",
    ECONNREFUSED: "ConnectionRefusedError",
    ECONNRESET: "ConnectionResetError",
    EEXIST: "FileExistsError",
    ENOENT: "FileNotFoundError",
    EACCES: "PermissionError",
    EPERM: "PermissionError",
    ESRCH: "ProcessLookupError",
    ECHILD: "ChildProcessError",
    ETIMEDOUT: "TimeoutError",
    ENOTCONN: "OSError",
  };
  for (const [code, name] of Object.entries(expected)) {
    const error = osError(code, "text", { errno: 42, syscall: "recv" });
    assert.equal(error.name, name);
    assert.equal(error.constructor.name, name);
    assert.deepEqual([error.code, error.message, error.errno, error.syscall], [code, "text", 42, "recv"]);
  }
  assert.ok(osError("EAGAIN", "") instanceof BlockingIOError);
  assert.ok(osError("ESRCH", "") instanceof ProcessLookupError);
});

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
    new errors.GeneratorExit(),
    new BaseExceptionGroup("g", [new CancelledError()]),
  ];
  for (const error of others) assert.equal(isException(error), false);
});

test("isFatal is true for KeyboardInterrupt and SystemExit", () => {
  assert.equal(isFatal(new KeyboardInterrupt()), true);
  assert.equal(isFatal(new SystemExit()), true);
  assert.equal(isFatal(new CancelledError()), false);
  assert.equal(isFatal(undefined), false);
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
