import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..");
const GUIDE = join(ROOT, "docs/guide");
const NAME = '"asyncio-ts"';

/** A program in a page of the guide. */
interface Example {
  /** `page.md:line`. */
  readonly place: string;
  readonly source: string;
  /** What stands in the `text` block right below it, if there is one. */
  readonly output: string | null;
}

const EXAMPLE = /^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms;

/** What debug mode rightly says of any step, where the machine has other things to do. */
const SLOW_STEP = /^Executing .* took .*\n(?:created at .*\n(?: {4}at .*\n)*)?/gm;

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "asyncio-ts-docs-"));
after(() => rmSync(directory, { recursive: true }));

function examplesIn(page: string): Example[] {
  const text = readFileSync(join(GUIDE, page), "utf8");
  return Array.from(text.matchAll(EXAMPLE), (match) => {
    const [, source = "", output = null] = match;
    const line = text.slice(0, match.index).split("\n").length + 1;
    return { place: `${page}:${line}`, source, output };
  });
}

/** Where the example stands as a module of its own, which imports the library from its sources. */
function moduleOf({ place, source }: Example): string {
  const file = join(directory, `${place.replace(/\W/g, "-")}.mts`);
  const from = (path: string) => JSON.stringify(join(ROOT, "src", path));
  const local = source
    .replaceAll(NAME, from("index.ts"))
    .replaceAll('"asyncio-ts/executors/bullmq"', from("executors/bullmq/index.ts"));
  writeFileSync(file, local);
  return file;
}

const pages = readdirSync(GUIDE).filter((page) => page.endsWith(".md"));
const examples = pages.flatMap(examplesIn).map((example) => ({ ...example, file: moduleOf(example) }));

test("the guide has examples, each of which imports the library by its name", () => {
  assert.ok(examples.length > 0);
  for (const { place, source } of examples) assert.ok(source.includes(`from ${NAME}`), place);
});

test("every block of the guide is an example, or the output right below one", () => {
  for (const page of pages) {
    const blocks = readFileSync(join(GUIDE, page), "utf8").match(/^```.*\n/gm) ?? [];
    const found = examplesIn(page).flatMap(({ output }) => [
      "```ts\n",
      ...(output === null ? [] : ["```text\n"]),
    ]);
    assert.deepEqual(
      blocks.filter((_, index) => index % 2 === 0),
      found,
      page,
    );
  }
});

test("the examples of the guide pass the compiler, as strictly as the library", async () => {
  const compilerOptions = { typeRoots: [join(ROOT, "node_modules/@types")] };
  const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["*.mts"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  await assert.doesNotReject(
    run(process.execPath, [tsc, "-p", directory]),
    ({ stdout }: { stdout: string }) => assert.fail(stdout),
  );
});

test("the examples of the guide print what stands below them", { concurrency: 4 }, async (t) => {
  const runs = examples.map(({ place, file, output }) =>
    t.test(place, async () => {
      const { stdout, stderr } = await run(process.execPath, [file]);
      assert.equal(stderr.replace(SLOW_STEP, ""), "");
      assert.equal(stdout, output ?? "");
    }),
  );
  await Promise.all(runs);
});
