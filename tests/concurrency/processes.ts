/** Programs in processes of their own, to which real signals are sent. */

import { spawn } from "node:child_process";
import { once } from "node:events";

const INDEX = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);

export const PRELUDE = `
  import { asyncGenerator, createTask, KeyboardInterrupt, Runner, run, sleep, SystemExit } from ${INDEX};
  const forever = () => new Promise(() => {});
  const show = (error) =>
    console.log(error instanceof SystemExit ? "exit " + error.exitCode : error.name);
`;

/** A main that says "running", waits, and does `cleanUp` when it is cancelled. */
export const MAIN = (cleanUp: string) => `
  async () => {
    try {
      console.log("running");
      await sleep(3600);
    } finally {
      ${cleanUp}
    }
  }`;

/** Run such a main, and show the error that comes out. */
export const PROGRAM = (cleanUp: string, options = "{}") =>
  `${PRELUDE} await run(${MAIN(cleanUp)}, ${options}).catch(show);`;

type Signals = Record<string, NodeJS.Signals>;

/** Run the program, and send it a signal when it prints the line that is the signal's key. */
export async function runProgram(source: string, signals: Signals = {}) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors = child.stderr.setEncoding("utf8").toArray();
  const lines: string[] = [];
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    for (const line of String(chunk).trim().split("\n")) {
      lines.push(line);
      const signal = signals[line];
      if (signal !== undefined) child.kill(signal);
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  const stderr = (await errors).join("");
  return { lines, stderr, code: child.exitCode, killedBy: child.signalCode };
}
