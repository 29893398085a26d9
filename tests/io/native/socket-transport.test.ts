import assert from "node:assert/strict";
import { ensureFuture, sleep, socketpair } from "../../../src/index.ts";
import { libc } from "../../../src/io/native/libc.ts";
import { Recorder } from "../recorder.ts";
import { inEachFlavourNatively } from "./flavoured.ts";

inEachFlavourNatively("writelines is one call of the system", function* ({ on, loop, t }) {
  const [left, right] = socketpair();
  const recorder = new Recorder(loop);
  const [transport] = yield* on(loop.createConnection(() => recorder, null, null, { sock: left }));
  const writev = t.mock.method(libc(), "writev");
  const send = t.mock.method(libc(), "send");
  transport.writelines(["one ", Buffer.from("two "), "three"]);
  assert.deepEqual([writev.mock.callCount(), send.mock.callCount()], [1, 0]);
  assert.equal(String(right.recv(100)), "one two three");
  transport.abort();
  right.close();
  yield* on(ensureFuture(recorder.called("connectionLost")));
  yield* on(sleep(0));
});
