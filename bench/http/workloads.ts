import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { atLeast } from "../aim.ts";
import { processorTime } from "../load/processor-time.ts";
import { asLoad, asServer, notesOn, temporaryPath } from "../load/programs.ts";
import { missingInPython } from "../peers.ts";
import { ServerProcess } from "../server-process.ts";
import { type Command, missingNative, nodeCommand, pythonCommand } from "../sides.ts";
import type { Comparison, Figures, Side, Workload } from "../workload.ts";
import { HELLO } from "./hello.ts";

const CONNECTIONS = 64;
const FILE = "hello.txt";

const fileAt = (name: string) => new URL(name, import.meta.url).pathname;

const missingWrk = spawnSync("wrk", ["-v"]).error ? "there is no wrk (bench/setup.sh installs it)" : null;
const missingHttptools = missingInPython("uvloop") ?? missingInPython("httptools");

function side(name: string, missing: string | null, command: Command, files: boolean): Side {
  const withFiles = (): Command => (files ? [...command, directory()] : command);
  return { name, missing: missingWrk ?? missing, measure: (size) => measure(withFiles(), size) };
}

/** The folder that is served. */
function directory(): string {
  const path = temporaryPath("www");
  if (!existsSync(path)) {
    mkdirSync(path);
    writeFileSync(`${path}/${FILE}`, HELLO);
  }
  return realpathSync(path);
}

async function measure(command: Command, size: number): Promise<Figures> {
  await using server = new ServerProcess(asServer(command));
  const url = `http://127.0.0.1:${await server.port()}/${FILE}`;
  const answer = await (await fetch(url)).text();
  if (answer !== HELLO.toString()) throw new Error(`it answered ${JSON.stringify(answer)}`);
  // wrk knows whole seconds only.
  const seconds = Math.ceil(size / 1000);
  if (size >= 1000) await requestsIn(1, url);
  const before = processorTime(server.pid);
  const rate = await requestsIn(seconds, url);
  const busy = (100 * (processorTime(server.pid) - before)) / seconds;
  return { "requests/s": rate, "server busy %": busy };
}

/** Requests per second. */
async function requestsIn(seconds: number, url: string): Promise<number> {
  const [program, ...args] = asLoad([
    "wrk",
    "-t1",
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    "--timeout",
    "30s",
    url,
  ]);
  const { stdout } = await promisify(execFile)(program, args);
  const rate = /^Requests\/sec: +([\d.]+)$/m.exec(stdout)?.[1];
  if (rate === undefined || /Socket errors|Non-2xx/.test(stdout))
    throw new Error(`wrk found fault: ${stdout}`);
  return Number(rate);
}

/** Ours must answer 1.2 times their requests. */
function against(theirs: string): Comparison {
  return { figure: "requests/s", ours: "streams", theirs, aim: atLeast(1.2) };
}

function http(name: string, about: string, files: boolean, comparisons: readonly Comparison[]): Workload {
  return {
    name,
    about: `${about} Asked by wrk, on ${CONNECTIONS} connections that are kept alive.`,
    notes: notesOn("http"),
    unit: "requests per second, and how busy the server is",
    sizeUnit: "ms measured",
    size: 3000,
    sides: [
      side("streams", missingNative, nodeCommand(fileAt("ours.ts")), files),
      side("node:http", null, nodeCommand(fileAt("node.ts")), files),
      side("uvloop + httptools", missingHttptools, pythonCommand(fileAt("python.py")), files),
    ],
    comparisons,
  };
}

export const httpWorkloads: readonly Workload[] = [
  http("http-hello", "A hello-world server: ours has the parser of examples/http, on streams.", false, [
    against("node:http"),
    against("uvloop + httptools"),
  ]),
  http(
    "http-file",
    "The server of examples/http, which opens and reads a file for each request; so do the others.",
    true,
    [against("node:http"), against("uvloop + httptools")],
  ),
];
