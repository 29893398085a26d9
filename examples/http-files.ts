import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Event, KeyboardInterrupt, run } from "../src/index.ts";
import { FileServer } from "./http/file-server.ts";

export const title = "An HTTP/1.1 server for the files of a folder, whose client is fetch";

/** Without arguments it serves a folder of its own to itself; `npm run example http-files -- DIR PORT` serves yours. */
export async function main(directory?: string, port = "8080"): Promise<void> {
  await (directory === undefined ? demonstrate() : serveUntilCtrlC(directory, Number(port)));
}

async function serveUntilCtrlC(directory: string, port: number): Promise<void> {
  const running = run(async () => {
    const server = new FileServer(directory);
    console.log(`http://127.0.0.1:${await server.start("127.0.0.1", port)}/ until Ctrl-C`);
    try {
      await new Event().wait();
    } finally {
      await server.stop(5);
    }
  });
  try {
    await running;
  } catch (error) {
    if (!(error instanceof KeyboardInterrupt)) throw error;
    console.log("stopped");
  }
}

async function demonstrate(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "http-files-"));
  await writeFile(join(directory, "hello.txt"), "Hello, web!\n");
  await run(async () => {
    const server = new FileServer(directory);
    const url = `http://127.0.0.1:${await server.start("127.0.0.1", 0)}`;
    const modified = await show(url, "/hello.txt");
    await show(url, "/hello.txt", { Range: "bytes=7-9" });
    await show(url, "/hello.txt", { "If-Modified-Since": modified });
    await show(url, "/nothing.txt");
    await server.stop(5);
  });
  await rm(directory, { recursive: true });
}

async function show(url: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(url + path, { headers });
  const asked = [path, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join(", ");
  console.log(`GET ${asked}\n  ${response.status} ${JSON.stringify(await response.text())}`);
  return response.headers.get("last-modified") ?? "";
}
