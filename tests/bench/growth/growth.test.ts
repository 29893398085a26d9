import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { growth } from "../../../bench/growth/growth.ts";

test("a quantity is measured, plotted, and told how it grows", async () => {
  const directory = await mkdtemp(join(tmpdir(), "growth-test-"));
  try {
    const lines: string[] = [];
    const options = { most: 1, seconds: 0.01, directory, log: (line: string) => lines.push(line) };
    const { sections } = await growth(["messages"], options);
    assert.equal(lines.length, 4);
    assert.deepEqual(await readdir(directory), ["messages.svg"]);
    assert.match(await readFile(join(directory, "messages.svg"), "utf8"), /^<svg .*<\/svg>\n$/s);
    const told = Array.from(
      sections[0]!.matchAll(/^- (.*) grows like n\^-?\d+\.\d\d /gm),
      ([, what]) => what,
    );
    assert.deepEqual(told, [
      "messages, protocol: the time",
      "messages, protocol: the memory",
      "messages, streams: the time",
      "messages, streams: the memory",
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a quantity that there is not is an error that names it", async () => {
  const options = { most: 1, seconds: 0, log: () => {} };
  await assert.rejects(growth(["no-such"], options), /nothing named no-such that grows/);
});
