import assert from "node:assert/strict";
import { createSubprocessExec } from "../../../src/index.ts";
import { CapturedLog } from "../../core/captured-log.ts";
import { foreign } from "../pipes-support.ts";
import { inEachFlavourNatively } from "./flavoured.ts";

inEachFlavourNatively("a process that somebody else has collected counts as 255", function* ({ on }) {
  using log = new CapturedLog();
  const process = yield* on(createSubprocessExec("sleep", "3600"));
  process.kill();
  assert.equal(foreign("int waitpid(int, void *, int)")(process.pid, new Int32Array(1), 0), process.pid);
  assert.equal(yield* on(process.wait()), 255);
  assert.equal(process.returncode, 255);
  assert.deepEqual(log.of("warn"), [
    `somebody else has collected the process ${process.pid}: its return code counts as 255`,
  ]);
});
