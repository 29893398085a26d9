import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { flavours } from "../flavours.ts";
import { loadFile } from "./load.ts";
import { replay } from "./runner.ts";
import type { Line, Recording } from "./scenario.ts";

for (const flavour of flavours) {
  describe(`CPython's traces, in the ${flavour.name} flavour`, () => {
    for (const recording of loadFile(join(import.meta.dirname, "handmade.jsonl"))) {
      test(`${recording.name}: ${recording.note}`, async (t) => {
        const verdict = await replay(recording, flavour);
        if (verdict.kind === "skipped") t.skip(verdict.reason);
        if (verdict.kind === "failed") assert.fail(`\n${verdict.reason}`);
      });
    }
  });
}

describe("the command line", () => {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  after(() => rmSync(folder, { recursive: true }));

  const trace: Line[] = [
    [0, "main#1", "start"],
    [10, "main#1", "sleep"],
    [10, "main#1", "return", null],
    [10, "run", "return", null],
    [10, "run", "closed"],
  ];
  const good: Recording = {
    name: "good",
    note: "main sleeps",
    scenario: { coros: { main: [{ op: "sleep", d: 0.01 }] } },
    trace,
  };
  const wrong: Recording = { ...good, name: "wrong", trace: trace.with(1, [20, "main#1", "sleep"]) };
  const short: Recording = { ...good, name: "short", trace: trace.slice(0, 2) };

  test("counts what passed, in both flavours, and exits with 0", async () => {
    assert.deepEqual(await run(file(good)), { status: 0, out: "2 passed, 0 failed\n", err: "" });
  });

  test("shows the first line that differs, both sides, and exits with 1", async () => {
    const { status, out } = await run(file(good, wrong), "--flavour=async");
    assert.equal(status, 1);
    assert.match(out, /wrong \(async\)\n {2}note: main sleeps\n {2}line 2 differs/);
    assert.match(out, /^ +\[0,"main#1","start"\]\n {2}expected \[20,"main#1","sleep"\]\n/m);
    assert.match(out, /^ {2}actual {3}\[10,"main#1","sleep"\]\n/m);
    assert.match(out, /\n1 passed, 1 failed\n$/);
  });

  test("takes lines beyond the recorded ones for a difference", async () => {
    const { out } = await run(file(short), "--flavour=generator");
    assert.match(out, /line 3 differs \(2 expected, 5 actual\)/);
    assert.match(out, /expected \(the trace ends\)\n {2}actual {3}\[10,"main#1","return",null\]/);
  });

  test("--only picks a scenario by its name", async () => {
    const { status, out } = await run(file(good, wrong), "--only=good");
    assert.deepEqual([status, out], [0, "2 passed, 0 failed\n"]);
  });

  const misuses: [what: string, args: () => string[], message: RegExp][] = [
    ["an unknown flag", () => ["--flavor=async"], /Unknown option '--flavor'/],
    ["an unknown flavour", () => ["--flavour=vanilla"], /unknown flavour: vanilla/],
    ["a name that no scenario has", () => [file(good), "--only=bad"], /no scenario named bad/],
    ["a file that is not there", () => [join(folder, "nowhere")], /cannot read .*nowhere/],
    ["bad JSON", () => [text("{}\n{")], /:1: not a scenario/],
    ["bad JSON, by line", () => [text(`${JSON.stringify(good)}\n\n{`)], /:3: bad JSON/],
    ["an op that the language does not have", () => [text(withOp("fly"))], /:1: odd: unknown op: fly/],
  ];
  for (const [what, args, message] of misuses) {
    test(`refuses ${what} with status 2`, async () => {
      const { status, out, err } = await run(...args());
      assert.deepEqual([status, out], [2, ""]);
      assert.match(err, message);
    });
  }

  let files = 0;

  function text(content: string): string {
    const path = join(folder, `${files++}.jsonl`);
    writeFileSync(path, content);
    return path;
  }

  function file(...recordings: Recording[]): string {
    return text(recordings.map((recording) => `${JSON.stringify(recording)}\n`).join(""));
  }

  function withOp(op: string): string {
    return JSON.stringify({ name: "odd", scenario: { coros: { main: [{ op }] } }, trace: [] });
  }
});

interface Exit {
  status: number;
  out: string;
  err: string;
}

function run(...args: string[]): Promise<Exit> {
  const main = join(import.meta.dirname, "main.ts");
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, out, err) =>
      resolve({ status: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}
