import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { Coroutine, ProcessLookupError, sleep } from "../../src/index.ts";
import { PortableBackend } from "../../src/io/portable/portable-backend.ts";
import { BaseSubprocessTransport } from "../../src/process/base-subprocess.ts";
import { programCommand } from "../../src/process/command.ts";
import { spawn } from "../../src/process/spawning.ts";
import { Recorder } from "./recorder.ts";
import { inEachWorld, isAlive, STUBBORN, until } from "./support.ts";

inEachWorld("what comes before the connection is made waits for it", function* ({ on, loop }) {
  // It is not asked for anything: the process has no pipes.
  const io = new PortableBackend();
  const recorder = new Recorder(loop);
  const stdio = { stdin: null, stdout: null, stderr: null };
  const spawned = yield* spawn(loop, io, programCommand("true", []), stdio);
  const transport = new BaseSubprocessTransport(loop, recorder, spawned, false);
  transport.pipeDataReceived(1, Buffer.from("early"));
  assert.equal(yield* on(new Coroutine(() => transport.exited(), "exited")), 0);
  yield* on(sleep(0));
  assert.deepEqual(recorder.calls, []);
  transport.begin(io, spawned.pipes, () => {});
  yield* on(recorder.over);
  assert.deepEqual(recorder.calls, [
    "connectionMade",
    "pipeDataReceived 1",
    "processExited 0",
    "connectionLost",
  ]);
});

inEachWorld("what a process tells while the loop is busy waits for the connection", function* ({ on, loop }) {
  for (let i = 0; i < 5; i++) {
    let spins = 10;
    const spin = () => {
      for (const end = loop.time() + 0.005; loop.time() < end; );
      if (--spins > 0) loop.callSoon(spin);
    };
    loop.callSoon(spin);
    const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "echo", "x"));
    yield* until(on, () => protocol.calls.includes("processExited 0"));
    transport.close();
    yield* on(protocol.over);
    assert.equal(protocol.calls[0], "connectionMade");
    assert.equal(protocol.output[1], "x\n");
  }
});

inEachWorld("the connection is lost only when all pipes are closed", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(
    loop.subprocessShell(() => new Recorder(loop), "exec 0<&- 1>&- 2>&-"),
  );
  yield* until(on, () => transport.getReturncode() !== null);
  yield* on(protocol.over);
  assert.equal(transport.getPipeTransport(0)!.isClosing(), true);
  assert.equal(protocol.calls.length, 6);
});

inEachWorld("Node's object for the process can be asked, and has no pipes", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "cat"));
  const child = transport.getExtraInfo("subprocess")!;
  assert.ok(child instanceof ChildProcess);
  assert.equal(child.pid, transport.getPid());
  assert.equal(child.stdin, null);
  assert.equal(child.stdout, null);
  transport.getPipeTransport(0)!.close();
  yield* on(protocol.over);
});

inEachWorld("closing the transport kills the process and closes its pipes", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "sleep", "3600"));
  assert.ok(!transport.isClosing());
  transport.close();
  assert.ok(transport.isClosing());
  transport.close();
  yield* on(protocol.over);
  assert.equal(transport.getReturncode(), -9);
  assert.throws(() => transport.kill(), ProcessLookupError);
  assert.throws(() => transport.terminate(), ProcessLookupError);
  assert.throws(() => transport.sendSignal(0), ProcessLookupError);
});

inEachWorld("closing kills the group of a process that has its own", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(
    loop.subprocessShell(() => new Recorder(loop), "sleep 3600 & echo $!; wait", { startNewSession: true }),
  );
  yield* until(on, () => protocol.output[1].endsWith("\n"));
  const grandchild = Number(protocol.output[1]);
  transport.close();
  yield* on(protocol.over);
  yield* until(on, () => !isAlive(grandchild));
});

inEachWorld("flow control of stdin reaches the protocol", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(
    loop.subprocessExec(() => new Recorder(loop), "sh", "-c", "read go; cat > /dev/null"),
  );
  const stdin = transport.getPipeTransport(0)!;
  stdin.write("x".repeat(1024 * 1024));
  assert.deepEqual(protocol.calls, ["connectionMade", "pauseWriting"]);
  stdin.write("\n");
  yield* until(on, () => protocol.calls.includes("resumeWriting"));
  stdin.close();
  yield* on(protocol.over);
});

inEachWorld(
  "what is written to a process that has closed its stdin is lost with an error",
  function* ({ on, loop }) {
    const [transport, protocol] = yield* on(
      loop.subprocessExec(() => new Recorder(loop), "sh", "-c", "exec 0<&-; echo closed; exec sleep 3600"),
    );
    yield* until(on, () => protocol.output[1] === "closed\n");
    transport.getPipeTransport(0)!.write(Buffer.alloc(1024 * 1024));
    yield* until(on, () => protocol.calls.some((call) => call.startsWith("pipeConnectionLost 0")));
    transport.close();
    yield* on(protocol.over);
  },
);

inEachWorld("another protocol is told from then on", function* ({ on, loop }) {
  const [transport, first] = yield* on(
    loop.subprocessExec(() => new Recorder(loop), "sh", "-c", "read x; echo $x"),
  );
  const second = new Recorder(loop);
  second.transport = transport;
  transport.setProtocol(second);
  transport.getPipeTransport(0)!.write("x\n");
  yield* until(on, () => second.calls.includes("processExited 0"));
  transport.close();
  yield* on(second.over);
  assert.deepEqual(first.calls, ["connectionMade"]);
  assert.equal(second.output[1], "x\n");
});

inEachWorld("an abort kills the process, and its group if that is its own", function* ({ on, loop }) {
  for (const startNewSession of [false, true]) {
    const controller = new AbortController();
    const options = { signal: controller.signal, startNewSession };
    const [transport, protocol] = yield* on(
      loop.subprocessExec(() => new Recorder(loop), "sh", "-c", STUBBORN, options),
    );
    yield* until(on, () => protocol.output[1] === "ready\n");
    controller.abort();
    yield* until(on, () => transport.getReturncode() !== null);
    assert.equal(transport.getReturncode(), -9);
    transport.close();
    yield* on(protocol.over);
  }
});
