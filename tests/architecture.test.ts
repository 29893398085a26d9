import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const SRC = join(import.meta.dirname, "../src");

/** From the ground up: a room may use those before it, and itself. */
const ROOMS = [
  "core",
  "sync",
  "concurrency",
  "io",
  "process",
  "executors",
  "threads",
  "serve",
  "event-loop.ts",
  "run.ts",
  "workers",
  "cli",
  "index.ts",
];

/** What the kernel needs of Node: no handle among it. */
const NODE_MODULES_OF_CORE = [
  "node:async_hooks",
  "node:diagnostics_channel",
  "node:events",
  "node:util",
  "node:v8",
  "node:vm",
  "node:worker_threads",
];

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): { name: string; typeOnly: boolean }[] {
  const source = readFileSync(join(SRC, file), "utf8");
  const statements = source.matchAll(/^(import|export)( type)?\b[^;]*?from "([^"]+)";/gm);
  return Array.from(statements, ([, , type, name]) => ({ name: name!, typeOnly: type !== undefined }));
}

function localImportsOf(file: string): { target: string; typeOnly: boolean }[] {
  return importsOf(file)
    .filter(({ name }) => name.startsWith("."))
    .map(({ name, typeOnly }) => ({ target: relative(SRC, join(SRC, dirname(file), name)), typeOnly }));
}

const roomOf = (file: string) => file.split("/")[0]!;

test("imports point one way: from a room to those below it", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const level = ROOMS.indexOf(roomOf(file));
    if (level < 0) continue;
    for (const { target } of localImportsOf(file)) {
      if (ROOMS.indexOf(roomOf(target)) > level) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** Those that are loaded when they are first needed, too. */
function nodeModulesOf(file: string): string[] {
  const source = readFileSync(join(SRC, file), "utf8");
  const taken = source.matchAll(/\bgetBuiltinModule\("([^"]+)"\)/g);
  const imported = importsOf(file).flatMap(({ name }) => (name.startsWith(".") ? [] : [name]));
  return [...imported, ...Array.from(taken, ([, name]) => name!)];
}

test("the kernel knows none of Node's handles", () => {
  const used = files.filter((file) => roomOf(file) === "core").flatMap(nodeModulesOf);
  assert.deepEqual([...new Set(used)].sort(), NODE_MODULES_OF_CORE);
});

test("no module imports itself by way of others", () => {
  const graph = new Map(
    files.map((file) => [
      file,
      localImportsOf(file).flatMap(({ target, typeOnly }) => (typeOnly ? [] : [target])),
    ]),
  );
  const finished = new Set<string>();
  const visit = (file: string, path: string[]) => {
    if (finished.has(file)) return;
    assert.ok(!path.includes(file), `a circle: ${[...path, file].join(" → ")}`);
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of files) visit(file, []);
});

test("the two backends do not know each other", () => {
  for (const [room, other] of [
    ["io/native/", "io/portable/"],
    ["io/portable/", "io/native/"],
  ] as const) {
    const stray = files.filter((f) => f.startsWith(room)).flatMap((f) => localImportsOf(f));
    assert.deepEqual(
      stray.filter(({ target }) => target.startsWith(other)),
      [],
    );
  }
});
