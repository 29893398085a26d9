import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/** Stands between a client and a server at this machine, so that their connections can be cut. */
export class Relay implements AsyncDisposable {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: number) {
    this.#target = target;
  }

  static async to(port: number): Promise<Relay> {
    const relay = new Relay(port);
    await relay.mend();
    return relay;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** End all connections, and refuse new ones. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, "close");
  }

  /** Let them connect again. */
  async mend(): Promise<void> {
    this.#server = createServer((client) => this.#join(client)).listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #join(client: Socket): void {
    const server = createConnection(this.#target, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
