import { Stream, Writable } from "node:stream";
import { NotImplementedError, ValueError } from "../core/errors.ts";
import { describeValue } from "../core/format-helpers.ts";
import { type FileLike, fileDescriptor } from "../io/open-file.ts";
import { StreamReader } from "../io/stream-reader.ts";
import { StreamWriter } from "../io/stream-writer.ts";
import { BaseTransport, ReadTransport } from "../io/transports.ts";

/** For `stdin`, `stdout` and `stderr` of a process: make a pipe to it. Python: `subprocess.PIPE`. */
export const PIPE = -1;

/** For `stderr` of a process: into the same as `stdout`. Python: `subprocess.STDOUT`. */
export const STDOUT = -2;

/** For `stdin`, `stdout` and `stderr` of a process: the null device. Python: `subprocess.DEVNULL`. */
export const DEVNULL = -3;

/**
 * What a process has as `stdin`, `stdout` or `stderr`: {@link PIPE}, {@link DEVNULL}, null for the same as this process, an
 * open file by its fd or with one (Node's `FileHandle`), a stream of Node's that has one, or the fd of a StreamReader, a
 * StreamWriter or a transport (on the portable backend only of what is written to). These are for the process alone from then on: close yours.
 */
export type Stdio = FileLike | Stream | StreamReader | StreamWriter | BaseTransport | null;

/** What is to be at one of a child's fds, in Node's terms, except that its pipes are the backend's. */
export type StdioEntry = "pipe" | "ignore" | number | Stream;

/**
 * The entry for fd `index` of the child. Ask for it anew before each use: a file may be closed meanwhile. Throws TypeError
 * for what has no fd, ValueError for a closed file and for numbers that mean nothing there.
 */
export function stdioEntry(name: string, index: number, value: Stdio | undefined): StdioEntry {
  if (value === null || value === undefined) return index;
  if (value === PIPE) return "pipe";
  if (value === DEVNULL) return "ignore";
  if (value === STDOUT) throw new ValueError(`${name} cannot be STDOUT: that is for stderr`);
  if (typeof value === "number") return checkedFd(name, value);
  if (value instanceof StreamReader) return ofReader(name, value);
  if (value instanceof StreamWriter) return ofTransport(name, value.transport);
  if (value instanceof BaseTransport) return ofTransport(name, value);
  if (value instanceof Stream) return ofStream(name, value);
  if (typeof value === "object" && ("fd" in value || "fileno" in value)) return fileDescriptor(value);
  throw unusable(name, value);
}

function checkedFd(name: string, fd: number): number {
  if (Number.isInteger(fd) && fd >= 0) return fd;
  throw new ValueError(`${name} must be PIPE, DEVNULL, null, or an open file, not ${fd}`);
}

/** What we have read already cannot be put back for the process to read. */
function ofReader(name: string, reader: StreamReader): StdioEntry {
  const { transport } = reader;
  if (transport === null) throw unusable(name, reader);
  if (reader.hasUnread()) {
    throw new ValueError(`${name}: bytes of ${reader} came in already, which the process would miss`);
  }
  return ofTransport(name, transport);
}

function ofTransport(name: string, transport: BaseTransport): StdioEntry {
  if (transport.isClosing()) throw new ValueError(`${name}: ${transport} is closed`);
  if (transport.getExtraInfo("sslcontext") !== null) {
    throw new ValueError(`${name}: ${transport} speaks TLS, which the process would see in its place`);
  }
  const file = transport.getExtraInfo("socket") ?? transport.getExtraInfo("pipe");
  if (file === null) throw unusable(name, transport);
  if (!(file instanceof Stream)) {
    const fd = fileDescriptor(file);
    if (transport instanceof ReadTransport) transport.pauseReading();
    return fd;
  }
  if (transport instanceof ReadTransport) {
    throw new NotImplementedError(
      `${name}: Node goes on reading from its streams, so the process would miss bytes; use the native backend, ` +
        "or start the reading process first, and give its stdin to the one that writes",
    );
  }
  // To end a stream of Node's is to end it for all who share it, the process included; ours is only to be closed.
  if (file instanceof Writable) file._final = (done) => done();
  return ofStream(name, file);
}

/** Node takes a stream that has a handle of libuv's as it is. */
function ofStream(name: string, stream: Stream & { fd?: unknown; _handle?: unknown }): StdioEntry {
  if (typeof stream.fd === "number" && stream.fd >= 0) return stream.fd;
  if (typeof stream._handle === "object" && stream._handle !== null) return stream;
  throw new TypeError(
    `${name}: this ${stream.constructor.name} has no file descriptor (yet), which a process needs; ` +
      "use PIPE, and copy between the two",
  );
}

function unusable(name: string, value: unknown): TypeError {
  return new TypeError(
    `${name} must be PIPE, DEVNULL, null, or something with a file descriptor, not ${describeValue(value)}`,
  );
}
