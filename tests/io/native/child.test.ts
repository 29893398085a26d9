import assert from "node:assert/strict";
import { Recorder } from "../../process/recorder.ts";
import { inEachWorld, until } from "../../process/support.ts";

inEachWorld("Node's object for a process tells its end, and can bring it about", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "sleep", "3600"));
  const child = transport.getExtraInfo("subprocess")!;
  const ends: unknown[] = [];
  for (const event of ["exit", "close"]) {
    child.once(event, (code, signal) => ends.push([event, code, signal]));
  }
  assert.deepEqual([child.exitCode, child.signalCode, child.killed], [null, null, false]);
  assert.throws(() => child.kill("SIGNONE" as "SIGINT"), { code: "ERR_UNKNOWN_SIGNAL" });
  assert.equal(child.kill("SIGTERM"), true);
  assert.equal(child.killed, true);
  yield* on(protocol.over);
  assert.equal(transport.getReturncode(), -15);
  yield* until(on, () => ends.length === 2);
  assert.deepEqual(ends, [
    ["exit", null, "SIGTERM"],
    ["close", null, "SIGTERM"],
  ]);
  assert.deepEqual([child.exitCode, child.signalCode], [null, "SIGTERM"]);
  assert.equal(child.kill(), false);
  assert.deepEqual([child.spawnfile, child.spawnargs], ["sleep", ["sleep", "3600"]]);
});

inEachWorld("at the end of a block, Node's object kills its process", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "sleep", "3600"));
  {
    using child = transport.getExtraInfo("subprocess")!;
    child.unref();
    child.ref();
    assert.equal(child.connected, false);
  }
  yield* on(protocol.over);
  assert.equal(transport.getReturncode(), -15);
});

inEachWorld("Node's object has the name that Node uses, where a signal has two", function* ({ on, loop }) {
  for (const [number, name] of [
    [6, "SIGABRT"],
    [29, "SIGIO"],
  ] as const) {
    const [transport, protocol] = yield* on(
      loop.subprocessExec(() => new Recorder(loop), "sh", "-c", `kill -${number} $$`),
    );
    yield* on(protocol.over);
    assert.equal(transport.getExtraInfo("subprocess")!.signalCode, name);
    assert.equal(transport.getReturncode(), -number);
  }
});

inEachWorld("Node's object knows the code with which its process has exited", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(
    loop.subprocessExec(() => new Recorder(loop), "sh", "-c", "exit 5"),
  );
  const child = transport.getExtraInfo("subprocess")!;
  yield* until(on, () => child.exitCode !== null);
  assert.deepEqual([child.exitCode, child.signalCode], [5, null]);
  yield* on(protocol.over);
});
