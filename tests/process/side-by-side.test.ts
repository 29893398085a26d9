import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSubprocessExec, createSubprocessShell, PIPE, type Process, STDOUT } from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { missing } from "../io/programs.ts";
import { inEachWorld } from "./support.ts";

/** Each line: how a process is started, its input, and what is done to it first. */
const CASES: readonly {
  readonly exec?: readonly string[];
  readonly shell?: string;
  readonly stdin?: boolean;
  readonly merged?: boolean;
  readonly input?: string;
  readonly signal?: number;
}[] = [
  { exec: ["echo", "hello", "", "a b"] },
  { exec: ["sh", "-c", "echo out; echo err >&2; exit 7"] },
  { exec: ["cat"], stdin: true, input: "through\n" },
  { exec: ["cat"], stdin: true, input: "" },
  { exec: ["head", "-c1"], stdin: true, input: "x".repeat(1_000_000) },
  { exec: ["/nonexistent/program"] },
  { exec: ["nonexistent-program"] },
  { exec: ["/etc/passwd"] },
  { exec: ["sleep", "60"], signal: 9 },
  { exec: ["sleep", "60"], signal: 15 },
  { exec: ["sleep", "60"], signal: 12 },
  { shell: "echo $((6 * 7)); exit 3" },
  { shell: "echo 1; echo 2 >&2; echo 3", merged: true },
  { shell: "kill -6 $$" },
  { shell: "nonexistent-program 2>/dev/null" },
  { shell: "" },
  { shell: "read x; echo [$x]; exec 1>&-; echo late >&2", stdin: true, input: "line\nmore\n" },
];

const PYTHON = `
import asyncio, json, sys
from asyncio.subprocess import PIPE, STDOUT

async def one(case):
    options = dict(stdout=PIPE, stderr=STDOUT if case.get("merged") else PIPE)
    if case.get("stdin"):
        options["stdin"] = PIPE
    try:
        if "exec" in case:
            process = await asyncio.create_subprocess_exec(*case["exec"], **options)
        else:
            process = await asyncio.create_subprocess_shell(case["shell"], **options)
    except OSError as error:
        return [type(error).__name__, error.errno]
    if "signal" in case:
        process.send_signal(case["signal"])
    data = case.get("input")
    out, err = await process.communicate(None if data is None else data.encode())
    code = await process.wait()
    return [code, process.returncode, text(out), text(err)]

def text(data):
    return None if data is None else data.decode()

async def main():
    for case in json.load(sys.stdin):
        print(json.dumps(await one(case)))

asyncio.run(main())
`;

function python(): unknown[] {
  const { stdout, stderr } = spawnSync("python3", ["-c", PYTHON], {
    input: JSON.stringify(CASES),
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  assert.equal(stderr, "");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function* ours(on: Flavour["on"], { exec, shell, stdin, merged, input, signal }: (typeof CASES)[number]) {
  const options = { stdout: PIPE, stderr: merged ? STDOUT : PIPE, ...(stdin && { stdin: PIPE }) } as const;
  let process: Process;
  try {
    process = yield* on(
      exec === undefined
        ? createSubprocessShell(shell!, options)
        : createSubprocessExec(exec[0]!, ...exec.slice(1), options),
    );
  } catch (error) {
    const { name, errno } = error as { name: string; errno: number };
    return [name, errno];
  }
  if (signal !== undefined) process.sendSignal(signal);
  const output = yield* on(process.communicate(input));
  const code = yield* on(process.wait());
  const [out, err] = output.map((data) => (data === null ? null : String(data)));
  return [code, process.returncode, out, err];
}

const notThere = missing("python3", ["-c", "import sys; print(sys.version_info >= (3, 8))"], /True/);

inEachWorld(
  "processes do what they do under CPython",
  function* ({ on }): Steps<void> {
    const expected = python();
    for (const [index, one] of CASES.entries()) {
      const got = yield* ours(on, one);
      assert.deepEqual(JSON.parse(JSON.stringify(got)), expected[index], JSON.stringify(one).slice(0, 200));
    }
  },
  { skip: notThere },
);
