import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** A subcommand. */
export interface Command {
  readonly help: string;
  /** Gives the exit code. Throws UsageError for arguments that make no sense. */
  run(args: readonly string[]): Promise<number>;
}

interface Entry {
  readonly summary: string;
  /** Packages that do not come with this one. */
  readonly needs: string;
  load(): Promise<Command>;
}

const commands: Readonly<Record<string, Entry>> = {
  worker: {
    summary: "carry out the jobs of a queue in Redis (BullmqExecutor)",
    needs: "bullmq ioredis",
    load: async () => (await import("./worker.ts")).worker,
  },
};

/** Carry out `asyncio-ts ...args`, and give the exit code: 2 for bad usage. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") return print(usage(), args.length === 0 ? 2 : 0);
  if (name === "--version" || name === "-v") return print(version(), 0);
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) return complain(`there is no command ${name}`, "asyncio-ts --help");
  const command = await load(name, entry);
  if (command === null) return 1;
  if (rest.includes("--help") || rest.includes("-h")) return print(command.help, 0);
  try {
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) return complain(error.message, `asyncio-ts ${name} --help`);
    throw error;
  }
}

/** Null if a package is missing that only this command needs, which is said. */
async function load(name: string, { load, needs }: Entry): Promise<Command | null> {
  try {
    return await load();
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    print(`asyncio-ts: ${error.message}\n${name} needs: npm install ${needs}`, 1);
    return null;
  }
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return [
    "usage: asyncio-ts COMMAND [OPTIONS]",
    "",
    "commands:",
    ...lines,
    "",
    "asyncio-ts COMMAND --help tells more; asyncio-ts --version, which version this is.",
  ].join("\n");
}

function version(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return version;
}

function print(text: string, code: number): number {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  return code;
}

function complain(message: string, way: string): number {
  return print(`asyncio-ts: ${message}\nTry: ${way}`, 2);
}
