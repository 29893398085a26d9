import { once } from "node:events";
import { readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Address } from "../../../src/io/address.ts";
import { nativeAvailable } from "../../../src/io/native/libc.ts";
import { EpollSelector, EVENT_READ } from "../../../src/io/native/selector.ts";
import { Socket, socketpair } from "../../../src/io/native/socket.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../../src/io/socket-constants.ts";

const native = nativeAvailable();

/** For `describe(…, { skip }, …)`: false, or why native I/O cannot be tested here. */
export const skip: false | string = native.available ? false : native.reason;

/** As {@link skip}, for tests that need IPv6 on loopback. */
export const skipIPv6: boolean | string =
  skip || !Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

/** A socket that listens on loopback, on a port of the kernel's choice. */
export function listener(family = AF_INET): Socket {
  const server = new Socket(family);
  server.bind([family === AF_INET6 ? "::1" : "127.0.0.1", 0]);
  server.listen();
  return server;
}

/** Two connected Unix sockets, closed after the test. */
export function pair(t: TestContext, type?: number): [Socket, Socket] {
  return closedAfter(t, socketpair(AF_UNIX, type));
}

/** Closes the sockets after the test, if the test has not. */
export function closedAfter<T extends Socket[]>(t: TestContext, sockets: T): T {
  t.after(() => {
    for (const socket of sockets) socket.close();
  });
  return sockets;
}

/** A TCP connection, closed after the test: the client's end, the server's, and the address that `accept` gave. */
export async function connected(t: TestContext, family = AF_INET): Promise<[Socket, Socket, Address]> {
  using server = listener(family);
  const client = new Socket(family);
  client.connectEx(server.getsockname());
  await ready(server, EVENT_READ);
  const [peer, address] = server.accept();
  closedAfter(t, [client, peer]);
  return [client, peer, address];
}

/** Waits until the socket is ready for one of `events`, and gives those. */
export async function ready(socket: Socket, events: number): Promise<number> {
  using selector = new EpollSelector();
  selector.register(socket.fileno(), events);
  await new Promise<void>((resolve) => selector.watch(resolve));
  let found = 0;
  selector.select((_fd, now) => {
    found = now;
  });
  return found;
}

/** How many files this process has open. */
export function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage until the process emits a warning, and gives that. */
export async function warningAfterGc(): Promise<Error> {
  const warnings: Error[] = [];
  const warned = once(process, "warning").then(([warning]) => warnings.push(warning as Error));
  while (warnings.length === 0) {
    gc();
    await turn();
  }
  await warned;
  return warnings[0]!;
}

/** Collects garbage, thoroughly, and lets finalizers run. */
export async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    await turn();
  }
}
