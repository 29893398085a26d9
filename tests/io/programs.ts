/** Programs that share no code with us, as peers. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Some lines, more than a pipe or a socket takes at once, and a last one without its end. */
export const LINES = `${Array.from({ length: 20_000 }, (_, i) => `line ${i} äöü\n`).join("")}the end`;

/** Why a test is skipped: the program is missing, or cannot do that. */
export function missing(program: string, args: string[] = ["--version"], knows = /./): string | false {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) return `${program} is not installed`;
  return knows.test(stdout + stderr) ? false : `this ${program} cannot do it`;
}

/** What the program prints when it is given `input`. */
export async function converse(program: string, args: string[], input = ""): Promise<string> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], timeout: 30_000 });
  const closed = once(child, "close");
  child.stdin.end(input);
  const output = await text(child.stdout);
  const [code] = await closed;
  assert.equal(code, 0, `${program} exited with ${code}`);
  return output;
}
