import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** False, or why there is no Redis to test with. */
export const redisSkip: false | string =
  spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";

/** A server of Redis of its own, which keeps its data when it is started again. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), "asyncio-ts-redis-"));
  #process: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(port?: number): Promise<RedisServer> {
    const server = new RedisServer(port ?? (await freePort()));
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const settings = { port: this.port, bind: "127.0.0.1", dir: this.#directory, save: "" };
    const durable = { appendonly: "yes", appendfsync: "always" };
    const args = Object.entries({ ...settings, ...durable }).flatMap(([key, value]) => [
      `--${key}`,
      String(value),
    ]);
    this.#process = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    await outputOf(this.#process, /Ready to accept connections/);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.#directory, { recursive: true });
  }
}

/** Read its output until this is there; what comes behind it is read, too, so that it is not held up. */
export function outputOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve(text);
    });
    child.once("exit", (code, signal) =>
      reject(new Error(`ended by ${signal ?? code}, having written: ${text}`)),
    );
    child.once("error", reject);
  });
}

/** One at which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
