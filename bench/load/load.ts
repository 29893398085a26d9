/**
 * `node load.ts KIND ADDRESS CONNECTIONS SIZE WARM-UP MILLISECONDS PID`: what load.c does, where that cannot be built. It needs
 * more processor time than the faster servers.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { processorTime } from "./processor-time.ts";

const [kind, address, connections, size, warmUp, milliseconds, pid] = process.argv.slice(2) as [
  string,
  string,
  ...string[],
];
const message = Buffer.alloc(Number(size), "x");
message[message.length - 1] = "\n".charCodeAt(0);

/** In milliseconds. */
const PATIENCE = 30_000;

/** Sends bytes, and says which come back. */
interface Connection {
  send(data: Buffer): void;
  close(): void;
}

type Received = (data: Buffer) => void;

function open(onData: Received): Promise<Connection> {
  return kind === "udp" ? openDatagrams(onData) : openStream(onData);
}

async function openDatagrams(onData: Received): Promise<Connection> {
  const socket = createSocket("udp4");
  socket.connect(Number(address), "127.0.0.1");
  await once(socket, "connect");
  socket.on("message", onData);
  return { send: (data) => socket.send(data), close: () => socket.close() };
}

async function openStream(onData: Received): Promise<Connection> {
  const socket = connectStream();
  await once(socket, kind === "tls" ? "secureConnect" : "connect");
  socket.setNoDelay(true);
  socket.on("data", onData);
  socket.on("close", () => {
    if (goingOn) throw new Error("the server closed a connection");
  });
  return { send: (data) => socket.write(data), close: () => socket.destroy() };
}

function connectStream(): Socket {
  const where = { port: Number(address), host: "127.0.0.1" };
  if (kind === "unix") return connect(address);
  return kind === "tls" ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);
}

let goingOn = true;
let trips = 0;
let latencies: number[] = [];

/** Send the message and wait until it is back, again and again. */
async function exchange(): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let missing = message.length;
  let began = performance.now();
  const connection = await open((data) => {
    missing -= data.length;
    if (missing > 0) return;
    if (missing < 0 || data.at(-1) !== message.at(-1)) throw new Error("what came back is not what was sent");
    const now = performance.now();
    trips++;
    latencies.push(now - began);
    if (!goingOn) return ended.resolve();
    missing = message.length;
    began = now;
    connection.send(message);
  });
  connection.send(message);
  await ended.promise;
  connection.close();
}

/** At least one trip, however short the time is. */
async function goOn(time: number): Promise<void> {
  const before = trips;
  const limit = performance.now() + time + PATIENCE;
  do {
    await sleep(time);
    if (performance.now() > limit) throw new Error("nothing came back");
  } while (trips === before);
}

const percentile = (sorted: readonly number[], fraction: number) =>
  sorted[Math.floor((sorted.length - 1) * fraction)]! * 1000;

async function measure(): Promise<Record<string, number>> {
  const [self, server, start, before] = [
    process.cpuUsage(),
    processorTime(Number(pid)),
    performance.now(),
    trips,
  ];
  latencies = [];
  await goOn(Number(milliseconds));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(self);
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    "round trips/s": (trips - before) / seconds,
    "p50 µs": percentile(sorted, 0.5),
    "p99 µs": percentile(sorted, 0.99),
    "server busy %": (100 * (processorTime(Number(pid)) - server)) / seconds,
    "load busy %": (user + system) / 10_000 / seconds,
  };
}

const exchanges = Array.from({ length: Number(connections) }, exchange);
await goOn(Number(warmUp));
const figures = await measure();
goingOn = false;
await Promise.all(exchanges);
console.log(JSON.stringify(figures));
