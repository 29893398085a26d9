import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { FileServer } from "../../../examples/http/file-server.ts";
import { openConnection } from "../../../src/index.ts";
import type { Bench } from "../../io/backends.ts";

export const MiB = 1024 * 1024;
const present = (tool: string, ...args: string[]) => spawnSync(tool, args).error === undefined;

/** Beside the root of the server there is something that nobody may see. */
export const folder = mkdtempSync(join(tmpdir(), "http-files-"));
after(() => rmSync(folder, { recursive: true }));

export const root = join(folder, "root");
export const small = "0123456789";
export const big = randomBytes(64 * MiB);
const modified = new Date("2020-02-29T12:00:00Z");
mkdirSync(join(root, "below"), { recursive: true });
writeFileSync(join(folder, "secret"), "secret");
writeFileSync(join(root, "small.txt"), small);
writeFileSync(join(root, "big"), big);
writeFileSync(join(root, "middle"), big.subarray(0, MiB));
writeFileSync(join(root, "empty"), "");
writeFileSync(join(root, "50% 你好.html"), "<p>");
writeFileSync(join(root, "below", "index.html"), "index");
utimesSync(join(root, "small.txt"), modified, modified);
symlinkSync(join(folder, "secret"), join(root, "out"));
symlinkSync("..", join(root, "below", "up"));
symlinkSync("../..", join(root, "below", "out"));
export const fifo = present("mkfifo", join(root, "fifo"));

export const noCurl = present("curl", "--version") ? false : "no curl";
export const noWrk = present("wrk", "--version") ? false : "no wrk";
export const noProc = process.platform === "linux" ? false : "no /proc";

export const run = promisify(execFile);

/** A server, and what its URLs begin with. */
export async function serve(
  { defer }: Pick<Bench, "defer">,
  patience?: number,
): Promise<[string, number, FileServer]> {
  const server = new FileServer(root, patience);
  const port = await server.start("127.0.0.1", 0);
  defer(() => server.stop(0));
  return [`http://127.0.0.1:${port}`, port, server];
}

export async function curl(...args: string[]): Promise<string> {
  return (await run("curl", ["--silent", "--max-time", "20", ...args])).stdout;
}

export const status = (...args: string[]) =>
  curl("--output", "/dev/null", "--write-out", "%{http_code}", ...args);

/** All that the server answers to `request`. */
export async function exchange(port: number, request: string, end = true): Promise<string> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  await using _closing = writer;
  writer.write(request);
  if (end) writer.writeEof();
  return (await reader.read()).toString("latin1");
}

export const get = (path: string, ...headers: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "Host: here", ...headers].join("\r\n")}\r\n\r\n`;

export const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code);
