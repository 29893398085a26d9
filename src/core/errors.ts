/**
 * Every error that asyncio-ts throws, under the names that Python gives them.
 *
 * Each class has a stable `code`, so that errors can be told apart without `instanceof` (across realms, workers or
 * two copies of the package). What Python calls a TypeError is JavaScript's own `TypeError`.
 */

/**
 * What is not an ordinary error: a request to stop. Code that handles "any error" should let these through, as
 * Python's `except Exception` does; {@link isException} tells the two apart.
 */
export class BaseException extends Error {
  override name = "BaseException";
  readonly code: string = "ERR_ASYNCIO_BASE_EXCEPTION";
}

/**
 * The task or future was cancelled. Catch it only to clean up, then throw it again: swallowing it defeats
 * `timeout`, `TaskGroup` and `task.cancel()`.
 *
 * The message is the one given to `cancel(message)`, else empty. Python: `asyncio.CancelledError`.
 */
export class CancelledError extends BaseException {
  override name = "CancelledError";
  override readonly code = "ERR_ASYNCIO_CANCELLED";
}

/** Ctrl-C reached the program. It ends the loop whatever runs. Python: `KeyboardInterrupt`. */
export class KeyboardInterrupt extends BaseException {
  override name = "KeyboardInterrupt";
  override readonly code = "ERR_ASYNCIO_KEYBOARD_INTERRUPT";
}

/** A request to end the process with `exitCode`. It ends the loop whatever runs. Python: `SystemExit`. */
export class SystemExit extends BaseException {
  override name = "SystemExit";
  override readonly code = "ERR_ASYNCIO_SYSTEM_EXIT";
  readonly exitCode: number;

  constructor(exitCode = 0) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Thrown into a coroutine that is closed while suspended. Python: `GeneratorExit`. */
export class GeneratorExit extends BaseException {
  override name = "GeneratorExit";
  override readonly code = "ERR_ASYNCIO_GENERATOR_EXIT";
}

/** The call makes no sense in the state things are in. Python: `RuntimeError`. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
  readonly code: string = "ERR_ASYNCIO_RUNTIME";
}

/** An argument of the right type with a value that makes no sense. Python: `ValueError`. */
export class ValueError extends RangeError {
  override name = "ValueError";
  readonly code: string = "ERR_ASYNCIO_VALUE";
}

/** A context variable without a value. Python: `LookupError`. */
export class LookupError extends Error {
  override name = "LookupError";
  readonly code: string = "ERR_ASYNCIO_LOOKUP";
}

/** This loop, transport or platform cannot do that; the message names the way out. Python: `NotImplementedError`. */
export class NotImplementedError extends RuntimeError {
  override name = "NotImplementedError";
  override readonly code = "ERR_ASYNCIO_NOT_IMPLEMENTED";
}

/** The future is not in a state that allows this: read too early, or completed twice. Python: `asyncio.InvalidStateError`. */
export class InvalidStateError extends Error {
  override name = "InvalidStateError";
  readonly code = "ERR_ASYNCIO_INVALID_STATE";
}

/** An executor can carry out nothing any more, or lost what it was doing. Python: `concurrent.futures.BrokenExecutor`. */
export class BrokenExecutor extends RuntimeError {
  override name = "BrokenExecutor";
  override readonly code: string = "ERR_ASYNCIO_BROKEN_EXECUTOR";
}

/**
 * A worker thread ended in the middle of the job, or the pool's initializer failed. Python:
 * `concurrent.futures.thread.BrokenThreadPool`.
 */
export class BrokenThreadPool extends BrokenExecutor {
  override name = "BrokenThreadPool";
  override readonly code = "ERR_ASYNCIO_BROKEN_THREAD_POOL";
}

/**
 * A worker process ended in the middle of the job, or the pool's initializer failed. Python:
 * `concurrent.futures.process.BrokenProcessPool`.
 */
export class BrokenProcessPool extends BrokenExecutor {
  override name = "BrokenProcessPool";
  override readonly code = "ERR_ASYNCIO_BROKEN_PROCESS_POOL";
}

/** A barrier was reset or aborted while the task waited at it. Python: `asyncio.BrokenBarrierError`. */
export class BrokenBarrierError extends RuntimeError {
  override name = "BrokenBarrierError";
  override readonly code = "ERR_ASYNCIO_BROKEN_BARRIER";
}

/** `getNowait()` found the queue empty. Python: `asyncio.QueueEmpty`. */
export class QueueEmpty extends Error {
  override name = "QueueEmpty";
  readonly code = "ERR_ASYNCIO_QUEUE_EMPTY";
}

/** `putNowait()` found the queue full. Python: `asyncio.QueueFull`. */
export class QueueFull extends Error {
  override name = "QueueFull";
  readonly code = "ERR_ASYNCIO_QUEUE_FULL";
}

/** The queue was shut down. Python: `asyncio.QueueShutDown`. */
export class QueueShutDown extends Error {
  override name = "QueueShutDown";
  readonly code = "ERR_ASYNCIO_QUEUE_SHUT_DOWN";
}

/** The stream ended before something whole was read. Python: `EOFError`. */
export class EOFError extends Error {
  override name = "EOFError";
  readonly code: string = "ERR_ASYNCIO_EOF";
}

/** The stream ended in the middle of a `readexactly` or `readuntil`. Python: `asyncio.IncompleteReadError`. */
export class IncompleteReadError extends EOFError {
  override name = "IncompleteReadError";
  override readonly code = "ERR_ASYNCIO_INCOMPLETE_READ";
  /** The bytes read before the end; they have left the stream's buffer. */
  readonly partial: Buffer;
  /** How many bytes were asked for, or null where that was not a number (`readuntil`). */
  readonly expected: number | null;

  constructor(partial: Buffer, expected: number | null) {
    super(`${partial.length} bytes read on a total of ${expected ?? "undefined"} expected bytes`);
    this.partial = partial;
    this.expected = expected;
  }
}

/** No separator within the stream's limit; the data stays in the buffer. Python: `asyncio.LimitOverrunError`. */
export class LimitOverrunError extends Error {
  override name = "LimitOverrunError";
  readonly code = "ERR_ASYNCIO_LIMIT_OVERRUN";
  /** How many bytes can be read away without cutting into a separator. */
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}

/** The kernel cannot send this file to this socket by itself. Python: `asyncio.SendfileNotAvailableError`. */
export class SendfileNotAvailableError extends RuntimeError {
  override name = "SendfileNotAvailableError";
  override readonly code = "ERR_ASYNCIO_SENDFILE_NOT_AVAILABLE";
}

/** Where an {@link OSError} comes from. */
export interface OSErrorOptions extends ErrorOptions {
  /** The error number, positive, as in C and Python. */
  errno?: number;
  /** The system call that failed. */
  syscall?: string;
}

/**
 * The operating system refused. `code` is the error's name (`"ECONNREFUSED"`), as on Node's own errors; `errno` its
 * number, positive as in C and Python. Python: `OSError`.
 */
export class OSError extends Error {
  override name = "OSError";
  readonly code: string;
  readonly errno: number | undefined;
  readonly syscall: string | undefined;

  constructor(code: string, message: string, { errno, syscall, ...options }: OSErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** A deadline passed. Python: `TimeoutError`, which is `asyncio.TimeoutError`. */
export class TimeoutError extends OSError {
  override name = "TimeoutError";

  constructor(message = "timed out", options: OSErrorOptions = {}) {
    super("ETIMEDOUT", message, options);
  }
}

/** The call would block. Python: `BlockingIOError`. */
export class BlockingIOError extends OSError {
  override name = "BlockingIOError";
}

/** A signal came in between. Python: `InterruptedError`. */
export class InterruptedError extends OSError {
  override name = "InterruptedError";
}

/** Something is wrong with a connection. Python: `ConnectionError`. */
export class ConnectionError extends OSError {
  override name = "ConnectionError";
}

/** The other side does not read any more. Python: `BrokenPipeError`. */
export class BrokenPipeError extends ConnectionError {
  override name = "BrokenPipeError";
}

/** The connection was given up on this side. Python: `ConnectionAbortedError`. */
export class ConnectionAbortedError extends ConnectionError {
  override name = "ConnectionAbortedError";
}

/** Nobody listens there. Python: `ConnectionRefusedError`. */
export class ConnectionRefusedError extends ConnectionError {
  override name = "ConnectionRefusedError";
}

/** The other side dropped the connection. Python: `ConnectionResetError`. */
export class ConnectionResetError extends ConnectionError {
  override name = "ConnectionResetError";
}

/** Python: `FileExistsError`. */
export class FileExistsError extends OSError {
  override name = "FileExistsError";
}

/** Python: `FileNotFoundError`. */
export class FileNotFoundError extends OSError {
  override name = "FileNotFoundError";
}

/** It is a directory, and something else was needed. Python: `IsADirectoryError`. */
export class IsADirectoryError extends OSError {
  override name = "IsADirectoryError";
}

/** It is no directory, and one was needed. Python: `NotADirectoryError`. */
export class NotADirectoryError extends OSError {
  override name = "NotADirectoryError";
}

/** Python: `PermissionError`. */
export class PermissionError extends OSError {
  override name = "PermissionError";
}

/** No such process. Python: `ProcessLookupError`. */
export class ProcessLookupError extends OSError {
  override name = "ProcessLookupError";
}

/** No such child process. Python: `ChildProcessError`. */
export class ChildProcessError extends OSError {
  override name = "ChildProcessError";
}

/**
 * TLS failed: the two sides do not understand each other, or one does not trust the other. `code` is Node's, such as
 * `"ERR_SSL_WRONG_VERSION_NUMBER"`. Python: `ssl.SSLError`.
 */
export class SSLError extends OSError {
  override name = "SSLError";
  /** What OpenSSL says was wrong, such as `"wrong version number"`; null if it is not OpenSSL that says it. */
  readonly reason: string | null;

  constructor(
    code: string,
    message: string,
    { reason = null, ...options }: OSErrorOptions & { reason?: string | null } = {},
  ) {
    super(code, message, options);
    this.reason = reason;
  }
}

/**
 * The other side's certificate is not trusted, or is for somebody else. `code` says why: `"CERT_HAS_EXPIRED"`,
 * `"ERR_TLS_CERT_ALTNAME_INVALID"` for a wrong host, … Python: `ssl.SSLCertVerificationError`.
 */
export class SSLCertVerificationError extends SSLError {
  override name = "SSLCertVerificationError";
}

/** A name that does not resolve to an address, or the other way round. Python: `socket.gaierror`. */
export class gaierror extends OSError {
  override name = "gaierror";
}

type OSErrorClass = new (code: string, message: string, options?: OSErrorOptions) => OSError;

const OS_ERROR_CLASSES: Readonly<Record<string, OSErrorClass>> = {
  EAGAIN: BlockingIOError,
  EALREADY: BlockingIOError,
  EINPROGRESS: BlockingIOError,
  EINTR: InterruptedError,
  EPIPE: BrokenPipeError,
  ESHUTDOWN: BrokenPipeError,
  ECONNABORTED: ConnectionAbortedError,
  ECONNREFUSED: ConnectionRefusedError,
  ECONNRESET: ConnectionResetError,
  EEXIST: FileExistsError,
  ENOENT: FileNotFoundError,
  EISDIR: IsADirectoryError,
  ENOTDIR: NotADirectoryError,
  EACCES: PermissionError,
  EPERM: PermissionError,
  ESRCH: ProcessLookupError,
  ECHILD: ChildProcessError,
};

/**
 * The error of the class that Python uses for this error code: `osError("EPIPE", …)` is a {@link BrokenPipeError}.
 * Codes without a class of their own give a plain {@link OSError}.
 */
export function osError(code: string, message: string, options: OSErrorOptions = {}): OSError {
  if (code === "ETIMEDOUT") return new TimeoutError(message, options);
  return new (OS_ERROR_CLASSES[code] ?? OSError)(code, message, options);
}

/**
 * The cancellation that this error is, or null. What Node's own functions throw when their signal aborts is an
 * AbortError with the signal's reason, our CancelledError, as its cause.
 */
export function cancellationOf(error: unknown): CancelledError | null {
  if (error instanceof CancelledError) return error;
  const isAbort = error instanceof Error && error.name === "AbortError";
  return isAbort && error.cause instanceof CancelledError ? error.cause : null;
}

/** Whether this error must burst through the loop instead of being stored and reported. */
export function isFatal(error: unknown): error is KeyboardInterrupt | SystemExit {
  return error instanceof KeyboardInterrupt || error instanceof SystemExit;
}
