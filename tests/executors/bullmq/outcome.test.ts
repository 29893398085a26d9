import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf } from "../../../src/executors/bullmq/outcome.ts";
import { encodeValue } from "../../../src/executors/bullmq/payload.ts";

test("a result that cannot be read is an error, and not a future that is never done", () => {
  assert.deepEqual(resultOf(encodeValue([1n], "it")), { kind: "result", value: [1n] });
  for (const garbled of ["", "AAAA", "/w//"]) {
    const outcome = resultOf(garbled);
    assert.equal(outcome.kind, "error");
    assert.match(
      String("error" in outcome && outcome.error),
      /^TypeError: the result of the job cannot be read/,
    );
  }
});
