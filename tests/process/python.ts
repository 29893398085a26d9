/** The same in CPython. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { missing } from "../io/programs.ts";

/** False, or why there is nothing to compare with. */
export const notThere: false | string = missing(
  "python3",
  ["-c", "import sys; print(sys.version_info >= (3, 8))"],
  /True/,
);

/** What the coroutine function `one` of the program gives for each of the cases. */
export function inPython(program: string, cases: readonly unknown[]): unknown[] {
  const { stdout, stderr } = spawnSync("python3", ["-c", `${program}${MAIN}`], {
    input: JSON.stringify(cases),
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  assert.equal(stderr, "");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const MAIN = `
import asyncio, json, sys

async def main():
    for case in json.load(sys.stdin):
        print(json.dumps(await one(case)))

asyncio.run(main())
`;
