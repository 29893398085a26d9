import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { nativeAvailable } from "../src/io/native/libc.ts";
import { PYTHON } from "./peers.ts";
import type { Figures, Side } from "./workload.ts";

export const NODE_FLAGS = ["--expose-gc", "--disable-warning=ExperimentalWarning"];

/** A program, the words that start it. */
export type Command = readonly [string, ...string[]];

const native = nativeAvailable();

/** Why there is no native backend here, or null. */
export const missingNative: string | null = native.available ? null : native.reason;

/** `node <file> …`, as the sides of ours and of Node are started. */
export function nodeCommand(file: string, ...args: string[]): Command {
  return [process.execPath, ...NODE_FLAGS, file, ...args];
}

export function pythonCommand(file: string, ...args: string[]): Command {
  return [PYTHON, file, ...args];
}

/** A side whose program gets the size as its last argument, and prints its figures, a JSON object. */
export function programSide(name: string, missing: string | null, command: Command): Side {
  return { name, missing, measure: (size) => figuresOf([...command, String(size)]) };
}

/** Run a program to its end, and read the JSON object that it prints. */
export async function figuresOf([program, ...args]: Command): Promise<Figures> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output, [status, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")} ended with ${signal ?? status}`);
  return JSON.parse(output) as Figures;
}
