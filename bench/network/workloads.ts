import { atLeast } from "../aim.ts";
import {
  asLoad,
  asServer,
  certificateOptions,
  echoCommand,
  loadCommand,
  missingC,
  missingCertificate,
  notesOn,
  temporaryPath,
} from "../load/programs.ts";
import { missingInPython } from "../peers.ts";
import { ServerProcess } from "../server-process.ts";
import { type Command, figuresOf, missingNative, nodeCommand, pythonCommand } from "../sides.ts";
import type { Comparison, Figures, Side, Workload } from "../workload.ts";

/** What goes to and fro: lines of so many bytes, on so many connections. */
interface Exchange {
  readonly kind: "tcp" | "udp" | "tls" | "unix";
  readonly connections: number;
  readonly bytes: number;
}

/** A side, without the exchange: the words that start its server are made when it is started. */
interface Server {
  readonly name: string;
  readonly missing: string | null;
  readonly command: (options: readonly string[]) => Command;
}

type Kind = "protocol" | "buffered" | "streams-generator" | "streams-async" | "sock" | "udp";

const WARM_UP = 500;
const KIBIBYTE = 1024;
const FIGURE = "round trips/s";

const fileAt = (name: string) => new URL(name, import.meta.url).pathname;

function ours(name: string, kind: Kind, backend: "native" | "portable" = "native"): Server {
  const missing = backend === "portable" ? null : missingNative;
  const words = ["--kind", kind, "--backend", backend];
  return { name, missing, command: (options) => nodeCommand(fileAt("ours.ts"), ...words, ...options) };
}

function uvloop(kind: Exclude<Kind, `streams-${string}`> | "streams"): Server {
  const words = ["--loop", "uvloop", "--kind", kind];
  return {
    name: "uvloop",
    missing: missingInPython("uvloop"),
    command: (options) => pythonCommand(fileAt("python.py"), ...words, ...options),
  };
}

const plainNode = (name: string): Server => ({
  name,
  missing: null,
  command: (options) => nodeCommand(fileAt("node.ts"), ...options),
});

const inC: Server = { name: "C epoll", missing: missingC, command: () => echoCommand("tcp") };
const nodeNet = plainNode("node:net");
const native = ours("native", "protocol");
const portable = ours("portable", "protocol", "portable");
const generator = ours("generator", "streams-generator");
const asyncFunction = ours("async", "streams-async");

/** An echo server of each side, under the same load; and what ours must reach. */
function echo(
  name: string,
  about: string,
  { kind, connections, bytes }: Exchange,
  servers: readonly Server[],
  comparisons: readonly Comparison[],
): Workload {
  return {
    name,
    about: `${about} ${count(connections, "connection")}, each with one line of ${sizeText(bytes)} on its way.`,
    notes: notesOn(kind),
    unit: "round trips per second, microseconds for one, and how busy the two processes are",
    sizeUnit: "ms measured",
    size: 1500,
    sides: servers.map((server) => echoSide(server, { kind, connections, bytes })),
    comparisons,
  };
}

/** Ours must have at least so many times their round trips. */
function against(ours: string, theirs: string, bound: number): Comparison {
  return { figure: FIGURE, ours, theirs, aim: atLeast(bound) };
}

function echoSide({ name, missing, command }: Server, exchange: Exchange): Side {
  const noTls = exchange.kind === "tls" ? missingCertificate : null;
  return { name, missing: missing ?? noTls, measure: (size) => measure(command, exchange, size) };
}

let sockets = 0;

async function measure(command: Server["command"], exchange: Exchange, size: number): Promise<Figures> {
  const { kind, connections, bytes } = exchange;
  const path = kind === "unix" ? temporaryPath(`socket-${++sockets}`) : null;
  await using server = new ServerProcess(asServer(command(optionsFor(kind, path))));
  const port = await server.port();
  const numbers = [connections, bytes, Math.min(WARM_UP, size), size, server.pid];
  return await figuresOf(asLoad(loadCommand(kind, path ?? String(port), ...numbers.map(String))));
}

function optionsFor(kind: Exchange["kind"], path: string | null): readonly string[] {
  if (path !== null) return ["--path", path];
  return kind === "tls" ? certificateOptions() : [];
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const sizeText = (bytes: number) => `${bytes / KIBIBYTE} KiB`;

const tcp = (connections: number, kibibytes = 1): Exchange => ({
  kind: "tcp",
  connections,
  bytes: kibibytes * KIBIBYTE,
});

const TCP = "A TCP echo server, of a protocol and its transport.";
const STREAMS = "A TCP echo server, of streams: readline(), write() and drain().";
const TLS = "A TLS 1.3 echo server, of a protocol and its transport.";
const PORTABLE = "A TCP echo server, of a protocol and its transport, on the backend that works everywhere.";

export const networkWorkloads: readonly Workload[] = [
  echo(
    "tcp-1k-50",
    TCP,
    tcp(50),
    [native, inC, uvloop("protocol"), nodeNet],
    [
      against("native", "C epoll", 0.92),
      against("native", "uvloop", 1.1),
      against("native", "node:net", 1.3),
    ],
  ),
  echo("tcp-1k-1", TCP, tcp(1), [native, inC, uvloop("protocol"), nodeNet], [against("native", "uvloop", 1)]),
  echo(
    "tcp-1k-500",
    TCP,
    tcp(500),
    [native, inC, uvloop("protocol"), nodeNet],
    [against("native", "uvloop", 1.1)],
  ),
  echo(
    "tcp-100k-50",
    TCP,
    tcp(50, 100),
    [native, inC, uvloop("protocol"), nodeNet],
    [against("native", "C epoll", 0.9), against("native", "uvloop", 1), against("native", "node:net", 2.2)],
  ),
  echo(
    "streams-1k-50",
    STREAMS,
    tcp(50),
    [generator, asyncFunction, uvloop("streams")],
    [against("generator", "uvloop", 1.6), against("async", "uvloop", 1.4)],
  ),
  echo(
    "streams-100k-50",
    STREAMS,
    tcp(50, 100),
    [generator, asyncFunction, uvloop("streams")],
    [against("generator", "uvloop", 2)],
  ),
  echo(
    "sock-1k-50",
    "A TCP echo server, of sockets: sockRecv() and sockSendall(), or sock_recv() and sock_sendall().",
    tcp(50),
    [ours("generator", "sock"), uvloop("sock")],
    [against("generator", "uvloop", 1.2)],
  ),
  echo(
    "udp-1k-50",
    "A UDP echo server, of a datagram protocol and its transport.",
    { kind: "udp", connections: 50, bytes: KIBIBYTE },
    [ours("native", "udp"), { ...inC, command: () => echoCommand("udp") }, uvloop("udp")],
    [against("native", "uvloop", 1.1)],
  ),
  echo(
    "unix-1k-50",
    "An echo server at a unix socket, of a protocol and its transport.",
    { kind: "unix", connections: 50, bytes: KIBIBYTE },
    [native, { ...inC, command: ([, path]) => echoCommand("unix", path!) }, uvloop("protocol")],
    [against("native", "uvloop", 1.1)],
  ),
  echo(
    "buffered-1k-50",
    "A TCP echo server, of a BufferedProtocol and its transport.",
    tcp(50),
    [ours("native", "buffered"), uvloop("buffered")],
    [against("native", "uvloop", 1.1)],
  ),
  ...[1, 100].map((kibibytes) =>
    echo(
      `tls-${kibibytes}k-50`,
      TLS,
      { ...tcp(50, kibibytes), kind: "tls" },
      [native, plainNode("node:tls"), uvloop("protocol")],
      [against("native", "node:tls", 1), against("native", "uvloop", 1.2)],
    ),
  ),
  ...[1, 100].map((kibibytes) =>
    echo(
      `portable-${kibibytes}k-50`,
      PORTABLE,
      tcp(50, kibibytes),
      [portable, nodeNet],
      [against("portable", "node:net", 0.9)],
    ),
  ),
];
