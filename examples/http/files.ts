import { closeSync, constants, fstatSync, openSync, realpathSync } from "node:fs";
import { extname, join } from "node:path";
import { HttpError, type Request } from "./request.ts";
import { type Answer, type Headers, head, httpDate } from "./response.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
};

/** Never waits for whoever writes to a FIFO. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Find the file, somewhere below `root`; whoever calls closes it. Throws HttpError if there is nothing to send. */
export function openAnswer(root: string, request: Request): Answer {
  const path = request.path.endsWith("/") ? `${request.path}index.html` : request.path;
  const fd = openBelow(root, path);
  try {
    return answer(fd, TYPES[extname(path).toLowerCase()], request);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Looking up a name and reading a page of it take microseconds, less than a thread that does it would. */
function openBelow(root: string, path: string): number {
  try {
    // Without symbolic links and "..": what it says is where it is.
    const real = realpathSync.native(join(root, path));
    if (real.startsWith(root)) return openSync(real, FLAGS);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EMFILE" || code === "ENFILE") throw new HttpError(503, { "Retry-After": "1" });
  }
  throw new HttpError(404);
}

function answer(fd: number, type = "application/octet-stream", request: Request): Answer {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new HttpError(404);
  const modified = httpDate(stat.mtimeMs);
  const since = request.headers.get("if-modified-since");
  if (since !== undefined && Date.parse(since) >= Date.parse(modified)) {
    throw new HttpError(304, { "Last-Modified": modified });
  }
  const range = rangeOf(request, stat.size, modified);
  const [offset, end] = range ?? [0, stat.size];
  const headers: Headers = {
    "Content-Type": type,
    "Content-Length": end - offset,
    "Last-Modified": modified,
    "Accept-Ranges": "bytes",
    ...(range && { "Content-Range": `bytes ${offset}-${end - 1}/${stat.size}` }),
  };
  const count = request.method === "HEAD" ? 0 : end - offset;
  return { head: head(range === null ? 200 : 206, headers, request.keepAlive), fd, offset, count };
}

/** From where to where (exclusively); null for all of it: also if several ranges, or nonsense, are asked for. */
function rangeOf({ method, headers }: Request, size: number, modified: string): [number, number] | null {
  const wanted = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range") ?? "");
  if (method !== "GET" || wanted === null || (headers.get("if-range") ?? modified) !== modified) return null;
  const [, first = "", last = ""] = wanted;
  if (first === "" && last === "") return null;
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
  const offset = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (offset >= end) throw new HttpError(416, { "Content-Range": `bytes */${size}` });
  return [offset, end];
}
