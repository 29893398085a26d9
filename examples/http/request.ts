import {
  IncompleteReadError,
  LimitOverrunError,
  type StreamReader,
  type Suspension,
  ValueError,
} from "../../src/index.ts";

/** A generator coroutine: they switch several times faster than async functions, and a request takes little else. */
export type Steps<T> = Generator<Suspension, T, unknown>;

export interface Request {
  readonly method: "GET" | "HEAD";
  /** Percent-decoded, without the query. */
  readonly path: string;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
}

/** What is answered instead of a file, without a body. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, headers: Record<string, string> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = status === 304 ? headers : { ...headers, "Content-Length": "0" };
  }
}

const REQUEST_LINE = /(?:\r\n)?([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.([01])\r\n/y;
const HEADER_LINE = /([!#$%&'*+.^_`|~\w-]+):([^\0\r\n]*)\r\n/y;
const ABSOLUTE = /^https?:\/\/[^/?]*/i;
/** Is what it says, and most are. */
const PLAIN_PATH = /^\/[\w./~-]*$/;

/**
 * The next request of a connection; null if there is none. It is in one piece, so that it is read in one piece; the
 * reader's limit says how long it may be. After an HttpError nobody knows where the next request begins.
 */
export function* readRequest(reader: StreamReader): Steps<Request | null> {
  try {
    const head = yield* reader.readuntil("\r\n\r\n");
    return parse(head.toString("latin1"));
  } catch (error) {
    if (error instanceof LimitOverrunError) throw yield* tooLong(reader);
    if (!(error instanceof IncompleteReadError)) throw error;
    if (error.partial.length > 0) throw new HttpError(400);
    return null;
  }
}

/** The bytes are still there: was it the first line, or are there too many headers? */
function* tooLong(reader: StreamReader): Steps<HttpError> {
  try {
    yield* reader.readline();
    return new HttpError(431);
  } catch (error) {
    if (error instanceof ValueError) return new HttpError(414);
    throw error;
  }
}

function parse(head: string): Request {
  // Some clients send an empty line behind the request before: the first line takes it along.
  const [, method, target, minor] = match(REQUEST_LINE, head, 0);
  if (method !== "GET" && method !== "HEAD") throw new HttpError(405, { Allow: "GET, HEAD" });
  const headers = parseHeaders(head, REQUEST_LINE.lastIndex);
  if (minor === "1" && !headers.has("host")) refuse(400);
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") refuse(413);
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  const keepAlive = minor === "1" ? !connection.includes("close") : connection.includes("keep-alive");
  return { method, path: parsePath(target!), headers, keepAlive };
}

/** From the place behind the first line to the empty line. */
function parseHeaders(head: string, start: number): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = start; at < head.length - 2; at = HEADER_LINE.lastIndex) {
    const [, name, value] = match(HEADER_LINE, head, at);
    headers.set(name!.toLowerCase(), value!.trim());
  }
  return headers;
}

/** What `line` says of the line at this place. */
function match(line: RegExp, head: string, at: number): RegExpExecArray {
  line.lastIndex = at;
  return line.exec(head) ?? refuse(400);
}

function parsePath(target: string): string {
  if (PLAIN_PATH.test(target)) return target;
  const [path = ""] = target.replace(ABSOLUTE, "").split("?", 1);
  try {
    const decoded = decodeURIComponent(path);
    if (decoded.startsWith("/") && !decoded.includes("\0")) return decoded;
  } catch {
    // It is no UTF-8, or "%" without two digits: answered below.
  }
  return refuse(400);
}

function refuse(status: number): never {
  throw new HttpError(status);
}
