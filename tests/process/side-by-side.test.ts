import assert from "node:assert/strict";
import {
  createSubprocessExec,
  createSubprocessShell,
  PIPE,
  type Process,
  STDOUT,
  ValueError,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { inPython, notThere } from "./python.ts";
import { inEachWorld } from "./support.ts";

/** Each line: how a process is started, what is done to it first, and its input. */
const CASES: readonly {
  readonly exec?: readonly string[];
  readonly shell?: string;
  readonly stdin?: boolean;
  readonly merged?: boolean;
  readonly input?: string;
  readonly signals?: readonly (number | string | null)[];
  readonly lines?: number;
  readonly options?: Readonly<{
    cwd?: string | null;
    env?: Readonly<Record<string, string>>;
    executable?: string;
    limit?: number;
  }>;
}[] = [
  { exec: ["echo", "hello", "", "a b"] },
  { exec: ["sh", "-c", "echo out; echo err >&2; exit 7"] },
  { exec: ["cat"], stdin: true, input: "through\n" },
  { exec: ["cat"], stdin: true, input: "" },
  { exec: ["head", "-c1"], stdin: true, input: "x".repeat(1_000_000) },
  { exec: ["/nonexistent/program"] },
  { exec: ["nonexistent-program"] },
  { exec: ["/etc/passwd"] },
  { exec: ["/etc"] },
  { exec: ["/etc/passwd/program"] },
  { exec: [""] },
  { exec: ["x".repeat(5000)] },
  { exec: [`/${"x".repeat(300)}`] },
  { exec: ["true", "x".repeat(200_000)] },
  { exec: ["pwd"], options: { cwd: "/proc/self/.." } },
  { exec: ["pwd"], options: { cwd: null } },
  { exec: ["true"], options: { cwd: "/nonexistent" } },
  { exec: ["true"], options: { cwd: "/etc/passwd" } },
  { exec: ["true"], options: { cwd: "" } },
  { exec: ["env"], options: { env: { PATH: "/usr/bin:/bin", MINE: "äö $x" } } },
  { exec: ["mine", "/proc/self/cmdline"], options: { executable: "/bin/cat" } },
  { exec: ["mine"], options: { executable: "/nonexistent" } },
  { exec: ["sleep", "60"], signals: [9] },
  { exec: ["sleep", "60"], signals: [15] },
  { exec: ["sleep", "60"], signals: [12] },
  { exec: ["sleep", "60"], signals: [0, 65, -1, 1000, 2 ** 31 - 1, 1.5, "TERM!", null, 9] },
  { exec: ["printf", "one\ntwo\n%0100d\nthree", "1"], lines: 3, options: { limit: 50 } },
  { exec: ["printf", "a\nb"], lines: 3 },
  { shell: "echo $((6 * 7)); exit 3" },
  { shell: "echo 1; echo 2 >&2; echo 3", merged: true },
  { shell: "kill -6 $$" },
  { shell: "nonexistent-program 2>/dev/null" },
  { shell: "" },
  { shell: "read x; echo [$x]; exec 1>&-; echo late >&2", stdin: true, input: "line\nmore\n" },
];

const PYTHON = `
import asyncio
from asyncio.subprocess import PIPE, STDOUT

async def one(case):
    options = dict(stdout=PIPE, stderr=STDOUT if case.get("merged") else PIPE, **case.get("options", {}))
    if case.get("stdin"):
        options["stdin"] = PIPE
    try:
        if "exec" in case:
            process = await asyncio.create_subprocess_exec(*case["exec"], **options)
        else:
            process = await asyncio.create_subprocess_shell(case["shell"], **options)
    except OSError as error:
        return described(error)
    told = [sent(process, signal) for signal in case.get("signals", [])]
    for _ in range(case.get("lines", 0)):
        try:
            told.append((await process.stdout.readline()).decode())
        except Exception as error:
            told.append(described(error))
    data = case.get("input")
    out, err = await process.communicate(None if data is None else data.encode())
    again = await process.communicate()
    code = await process.wait()
    return [told, code, process.returncode, text(out), text(err), text(again[0])]

def sent(process, signal):
    try:
        return process.send_signal(signal)
    except Exception as error:
        return described(error)

def described(error):
    return [type(error).__name__, getattr(error, "errno", None)]

def text(data):
    return None if data is None else data.decode()
`;

function* ours(on: Flavour["on"], { exec, shell, input, ...rest }: (typeof CASES)[number]): Steps<unknown> {
  const options = {
    ...rest.options,
    stdout: PIPE,
    stderr: rest.merged ? STDOUT : PIPE,
    ...(rest.stdin && { stdin: PIPE }),
  } as const;
  let process: Process;
  try {
    process = yield* on(
      exec === undefined
        ? createSubprocessShell(shell!, options)
        : createSubprocessExec(exec[0]!, ...exec.slice(1), options),
    );
  } catch (error) {
    return described(error);
  }
  const told: unknown[] = (rest.signals ?? []).map((signal) => sent(process, signal));
  for (let i = 0; i < (rest.lines ?? 0); i++) {
    try {
      told.push(String(yield* on(process.stdout!.readline())));
    } catch (error) {
      told.push(described(error));
    }
  }
  const [out, err] = yield* on(process.communicate(input));
  const [again] = yield* on(process.communicate());
  const code = yield* on(process.wait());
  return [told, code, process.returncode, text(out), text(err), text(again)];
}

function sent(process: Process, signal: number | string | null): unknown {
  try {
    return process.sendSignal(signal as number) ?? null;
  } catch (error) {
    // Here a signal may have a name, so a string that is none has the wrong value, not the wrong type.
    if (typeof signal === "string" && error instanceof ValueError) return ["TypeError", null];
    return described(error);
  }
}

function described(error: unknown): unknown {
  const { name, errno = null } = error as { name: string; errno?: number };
  return [name, errno];
}

function text(data: Buffer | null): string | null {
  return data === null ? null : String(data);
}

inEachWorld(
  "processes do what they do under CPython",
  function* ({ on }): Steps<void> {
    const expected = inPython(PYTHON, CASES);
    for (const [index, one] of CASES.entries()) {
      assert.deepEqual(yield* ours(on, one), expected[index], JSON.stringify(one).slice(0, 200));
    }
  },
  { skip: notThere },
);
