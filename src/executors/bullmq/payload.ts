import { basename } from "node:path/posix";
import { DefaultDeserializer, serialize } from "node:v8";
import { ValueError } from "../../core/errors.ts";
import type { PortableWork } from "../work.ts";

/** Bytes of the arguments, or of the result, of a job. */
const LIMIT = 32 * 1024 * 1024;

/** Characters of a result that goes with the event that tells of it: those stay in Redis by the thousands. */
const INLINE = 4096;

const VERSION = 1;

/** What the queue has of a job. */
export interface JobData {
  readonly version: typeof VERSION;
  readonly work: PortableWork;
  /** The encoded list of its arguments; with `chunk`, a list of such lists, for one call after the other. */
  readonly args: string;
  readonly chunk: boolean;
  /** Seconds that each attempt may take. */
  readonly timeout: number | null;
  /** An encoded result that is too long for {@link ReturnValue}. */
  readonly result?: string;
  /** How the last attempt failed. */
  readonly failure?: Failure;
}

interface Failure {
  /** What BullMQ was told: if it knows of another reason, the failure is not this one. */
  readonly reason: string;
  /** The encoded {@link PortableError}; null if it was cancelled. */
  readonly error: string | null;
}

/** What BullMQ takes for the result. */
export type ReturnValue = { readonly value: string } | { readonly stored: true };

/** Throws TypeError or ValueError for arguments that cannot be sent. */
export function jobData(
  work: PortableWork,
  args: readonly unknown[],
  chunk: boolean,
  timeout: number | null,
): JobData {
  const module = work.kind === "export" ? { ...work, module: moduleName(work.module) } : work;
  return {
    version: VERSION,
    work: module,
    args: encodeValue(args, `the arguments of ${work.name}()`),
    chunk,
    timeout,
  };
}

/** Throws ValueError for what another program has put into the queue. */
export function assertJobData(data: unknown): asserts data is JobData {
  if (typeof data === "object" && data !== null && "version" in data && data.version === VERSION) return;
  throw new ValueError("this job was not submitted by a BullmqExecutor of a version that this worker knows");
}

/** Whether an encoded result goes with the event. */
export function isInline(encoded: string): boolean {
  return encoded.length <= INLINE;
}

/**
 * By what name a module is known on other machines, where it is in another folder, and maybe compiled: that of its file
 * without the extension. Names of packages are the same everywhere.
 */
export function moduleName(module: string): string {
  if (!module.startsWith("file:")) return module;
  return basename(decodeURIComponent(new URL(module).pathname)).replace(/\.[cm]?[jt]sx?$/, "");
}

/**
 * As text, which BullMQ wants, all that `structuredClone` takes, but for what lives in one process only. Throws TypeError
 * for anything else, ValueError if it is too large; `what` is its name in the message.
 */
export function encodeValue(value: unknown, what: string): string {
  const bytes = toBytes(value, what);
  if (bytes.length <= LIMIT) return bytes.toString("base64");
  throw new ValueError(`${what} cannot be sent: ${bytes.length} bytes, and the limit is ${LIMIT}`);
}

function toBytes(value: unknown, what: string): Buffer {
  try {
    return serialize(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new TypeError(`${what} cannot be sent: ${why}`, { cause });
  }
}

/** What {@link encodeValue} was given. */
export function decodeValue(text: string): unknown {
  const deserializer = new Deserializer(Buffer.from(text, "base64"));
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Node's own gives views into the whole message: whoever takes the `buffer` of one would get all of that. */
class Deserializer extends DefaultDeserializer {
  _readHostObject(): unknown {
    const view: ArrayBufferView = Reflect.get(DefaultDeserializer.prototype, "_readHostObject").call(this);
    if (Buffer.isBuffer(view) || view.byteLength === view.buffer.byteLength) return view;
    const { buffer, byteOffset, byteLength } = view;
    const View = view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView;
    return new View(buffer.slice(byteOffset, byteOffset + byteLength));
  }
}
