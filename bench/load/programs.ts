import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, nodeCommand } from "../sides.ts";

const fileAt = (name: string) => new URL(name, import.meta.url).pathname;

function succeeds(...[program, ...args]: Command): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

const WITH_TLS = ["-DWITH_TLS", "-lssl", "-lcrypto"];

const hasCompiler = succeeds("cc", "--version");
const hasTls =
  hasCompiler && succeeds("cc", "-fsyntax-only", "-include", "openssl/ssl.h", "-x", "c", "/dev/null");
/** One core for the server, and one for the load. */
const hasTwoCores = succeeds("taskset", "-c", "0", "true") && succeeds("taskset", "-c", "1", "true");

/** Why there is no server in C, or null. */
export const missingC: string | null = hasCompiler ? null : "there is no cc (bench/setup.sh installs it)";

/** Why there is no server that speaks TLS, or null. */
export const missingCertificate: string | null = succeeds("openssl", "version")
  ? null
  : "there is no openssl to make a certificate with";

/** Where the load is not what it should be. */
export function notesOn(kind: string): readonly string[] {
  const notes = [];
  if (kind !== "http" && (kind === "tls" ? !hasTls : !hasCompiler)) {
    notes.push(
      "The load came from a program of Node, because the one in C cannot be built here: it may have been what holds up the others.",
    );
  }
  if (!hasTwoCores)
    notes.push("Server and load were on any cores: there is no taskset, or there are no two cores.");
  return notes;
}

/** On the core of the servers. */
export const asServer = (command: Command): Command =>
  hasTwoCores ? ["taskset", "-c", "0", ...command] : command;

/** On the other core. */
export const asLoad = (command: Command): Command =>
  hasTwoCores ? ["taskset", "-c", "1", ...command] : command;

let directory: string | null = null;

/** A path in a directory that is gone with this process. */
export function temporaryPath(name: string): string {
  if (directory === null) {
    const made = mkdtempSync(join(tmpdir(), "asyncio-ts-bench-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  return join(directory, name);
}

const built = new Map<string, string>();

/** Compile a program in C, when it is used for the first time. */
function build(name: string, sources: readonly string[], flags: readonly string[]): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const program = temporaryPath(name);
  const args = ["-O2", "-Wall", "-Wextra", "-o", program, ...sources.map(fileAt), ...flags];
  const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} cannot be built: ${stderr}`);
  built.set(name, program);
  return program;
}

/** The echo server that is the practical limit. */
export const echoCommand = (...args: string[]): Command => [build("echo", ["echo.c"], []), ...args];

const LOAD = ["load.c", "channel.c", "figures.c", "common.c"];

/** The load generator. */
export function loadCommand(kind: string, ...args: string[]): Command {
  const inC = kind === "tls" ? hasTls : hasCompiler;
  return inC
    ? [build("load", LOAD, hasTls ? WITH_TLS : []), kind, ...args]
    : nodeCommand(fileAt("load.ts"), kind, ...args);
}

let certificate: readonly string[] | null = null;

/** `--cert FILE --key FILE`: one that nobody has signed, which the load does not mind. */
export function certificateOptions(): readonly string[] {
  if (certificate !== null) return certificate;
  const [cert, key] = [temporaryPath("cert.pem"), temporaryPath("key.pem")];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
  const args = ["req", "-x509", "-days", "2", ...newKey, "-subj", "/CN=localhost", "-out", cert];
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`no certificate can be made: ${stderr}`);
  certificate = ["--cert", cert, "--key", key];
  return certificate;
}
