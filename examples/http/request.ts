import { IncompleteReadError, LimitOverrunError, type StreamReader, ValueError } from "../../src/index.ts";

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

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.([01])$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\0\r\n]*)$/;
const ABSOLUTE = /^https?:\/\/[^/?]*/i;

/**
 * The next request of a connection; null if there is none. It is in one piece, so that it is read in one piece; the
 * reader's limit says how long it may be. After an HttpError nobody knows where the next request begins.
 */
export async function readRequest(reader: StreamReader): Promise<Request | null> {
  try {
    const head = await reader.readuntil("\r\n\r\n");
    return parse(head.toString("latin1"));
  } catch (error) {
    if (error instanceof LimitOverrunError) throw await tooLong(reader);
    if (!(error instanceof IncompleteReadError)) throw error;
    if (error.partial.length > 0) throw new HttpError(400);
    return null;
  }
}

/** The bytes are still there: was it the first line, or are there too many headers? */
async function tooLong(reader: StreamReader): Promise<HttpError> {
  try {
    await reader.readline();
    return new HttpError(431);
  } catch (error) {
    if (error instanceof ValueError) return new HttpError(414);
    throw error;
  }
}

function parse(head: string): Request {
  // Some clients send an empty line behind the request before.
  const [first = "", ...lines] = head.slice(head.startsWith("\r\n") ? 2 : 0, -4).split("\r\n");
  const [, method, target, minor] = REQUEST_LINE.exec(first) ?? refuse(400);
  if (method !== "GET" && method !== "HEAD") throw new HttpError(405, { Allow: "GET, HEAD" });
  const headers = new Map(lines.map(parseHeader));
  if (minor === "1" && !headers.has("host")) refuse(400);
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") refuse(413);
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  const keepAlive = minor === "1" ? !connection.includes("close") : connection.includes("keep-alive");
  return { method, path: parsePath(target!), headers, keepAlive };
}

function parseHeader(line: string): [name: string, value: string] {
  const [, name, value] = HEADER_LINE.exec(line) ?? refuse(400);
  return [name!.toLowerCase(), value!.trimEnd()];
}

function parsePath(target: string): string {
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
