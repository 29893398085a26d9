import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../../src/core/errors.ts";
import {
  BaseException,
  BlockingIOError,
  BrokenBarrierError,
  BrokenPipeError,
  CancelledError,
  ConnectionError,
  ConnectionRefusedError,
  EOFError,
  IncompleteReadError,
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
import * as groups from "../../src/core/exception-groups.ts";

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
  [new errors.BrokenExecutor(), "ERR_ASYNCIO_BROKEN_EXECUTOR"],
  [new errors.BrokenProcessPool(), "ERR_ASYNCIO_BROKEN_PROCESS_POOL"],
  [new errors.BrokenThreadPool(), "ERR_ASYNCIO_BROKEN_THREAD_POOL"],
  [new errors.QueueEmpty(), "ERR_ASYNCIO_QUEUE_EMPTY"],
  [new errors.QueueFull(), "ERR_ASYNCIO_QUEUE_FULL"],
  [new errors.QueueShutDown(), "ERR_ASYNCIO_QUEUE_SHUT_DOWN"],
  [new errors.EOFError(), "ERR_ASYNCIO_EOF"],
  [new errors.IncompleteReadError(Buffer.from("ab"), 5), "ERR_ASYNCIO_INCOMPLETE_READ"],
  [new errors.LimitOverrunError("too long", 7), "ERR_ASYNCIO_LIMIT_OVERRUN"],
  [new errors.SendfileNotAvailableError(), "ERR_ASYNCIO_SENDFILE_NOT_AVAILABLE"],
  [new groups.BaseExceptionGroup("group", [new CancelledError()]), "ERR_ASYNCIO_BASE_EXCEPTION_GROUP"],
  [new groups.ExceptionGroup("group", [new Error()]), "ERR_ASYNCIO_EXCEPTION_GROUP"],
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
  for (const [name, value] of Object.entries({ ...errors, ...groups })) {
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
  assert.ok(new groups.ExceptionGroup("group", [new Error()]) instanceof AggregateError);
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
    EISDIR: "IsADirectoryError",
    ENOTDIR: "NotADirectoryError",
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

test("isFatal is true for KeyboardInterrupt and SystemExit", () => {
  assert.equal(isFatal(new KeyboardInterrupt()), true);
  assert.equal(isFatal(new SystemExit()), true);
  assert.equal(isFatal(new CancelledError()), false);
  assert.equal(isFatal(undefined), false);
});
