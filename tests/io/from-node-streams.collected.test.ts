/** In a file of its own: streams that other tests dropped would be told of as well. */

import assert from "node:assert/strict";
import { fromReadable } from "../../src/index.ts";
import { collectGarbage } from "../helpers.ts";
import { inEachBackend } from "./backends.ts";
import { endless, waiting } from "./from-node-streams-support.ts";

inEachBackend("a reader that is dropped before the end lets go of the source", async ({ defer }) => {
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on("warning", note);
  defer(() => process.off("warning", note));
  const { source } = endless(Buffer.alloc(1000));
  const drop = async () => void (await fromReadable(source).read(10));
  await drop();
  for (let i = 0; i < 20 && !source.destroyed; i++) await waiting(collectGarbage());
  assert.equal(source.destroyed, true);
  assert.deepEqual(warnings, ["ResourceWarning"]);
});
