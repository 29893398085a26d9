import assert from "node:assert/strict";
import {
  CancelledError,
  createTask,
  ReadTransport,
  RuntimeError,
  SubprocessTransport,
  sleep,
  WriteTransport,
} from "../../src/index.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { rejects } from "../helpers.ts";
import { Recorder } from "./recorder.ts";
import { children, inEachWorld, until } from "./support.ts";

inEachWorld(
  "the loop makes pipes by default, and tells the protocol everything once",
  function* ({ on, loop }) {
    const [transport, protocol] = yield* on(
      loop.subprocessExec(() => new Recorder(loop), "sh", "-c", "cat; echo error >&2; exit 4"),
    );
    assert.ok(transport instanceof SubprocessTransport);
    assert.equal(protocol.transport, transport);
    assert.equal(transport.getProtocol(), protocol);
    assert.deepEqual(protocol.calls, ["connectionMade"]);
    assert.equal(transport.getReturncode(), null);
    assert.ok(transport.getPipeTransport(0) instanceof WriteTransport);
    assert.ok(transport.getPipeTransport(1) instanceof ReadTransport);
    assert.ok(transport.getPipeTransport(2) instanceof ReadTransport);
    assert.equal(transport.getPipeTransport(3), null);
    assert.match(
      String(transport),
      /^<SubprocessTransport pid=\d+ running stdin=<.*> stdout=<.*> stderr=<.*>>$/,
    );
    transport.getPipeTransport(0)!.write("input");
    transport.getPipeTransport(0)!.writeEof();
    assert.equal(yield* on(protocol.over), null);
    assert.deepEqual(protocol.output, { 1: "input", 2: "error\n" });
    assert.equal(transport.getReturncode(), 4);
    assert.equal(protocol.calls.at(0), "connectionMade");
    assert.equal(protocol.calls.at(-1), "connectionLost");
    assert.deepEqual([...protocol.calls].sort(), [
      "connectionLost",
      "connectionMade",
      "pipeConnectionLost 0 null",
      "pipeConnectionLost 1 null",
      "pipeConnectionLost 2 null",
      "pipeDataReceived 1",
      "pipeDataReceived 2",
      "processExited 4",
    ]);
    assert.match(String(transport), /^<SubprocessTransport pid=\d+ returncode=4 /);
    transport.close();
    assert.match(String(transport), /^<SubprocessTransport closed pid=\d+ returncode=4 /);
  },
);

inEachWorld("a shell command is run by the shell", function* ({ on, loop }) {
  const [transport, protocol] = yield* on(
    loop.subprocessShell(() => new Recorder(loop), "echo $((1 + 2)) && exit 6", {
      stdin: null,
      stderr: null,
    }),
  );
  assert.equal(transport.getPipeTransport(0), null);
  yield* on(protocol.over);
  assert.equal(protocol.output[1], "3\n");
  assert.equal(transport.getReturncode(), 6);
});

inEachWorld(
  "a process that is over at once is told of after the connection is made",
  function* ({ on, loop }) {
    for (let i = 0; i < 20; i++) {
      const [, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "true", { stdin: null }));
      yield* on(protocol.over);
      assert.equal(protocol.calls[0], "connectionMade");
      assert.equal(protocol.calls.at(-1), "connectionLost");
      assert.equal(protocol.calls.length, 5);
    }
  },
);

inEachWorld("a start that is cancelled leaves no process behind", function* ({ on, loop }) {
  for (let turns = 0; turns < 6; turns++) {
    const starting = createTask(loop.subprocessExec(() => new Recorder(loop), "sleep", "3600"));
    for (let i = 0; i < turns; i++) yield* on(sleep(0));
    if (!starting.cancel()) {
      const [transport, protocol] = yield* on(starting);
      transport.close();
      yield* on(protocol.over);
      continue;
    }
    yield* rejects(on(starting), CancelledError);
    assert.deepEqual(children(), []);
  }
});

inEachWorld(
  "an error of the factory starts nothing, and one of the protocol is reported",
  function* ({ on, loop, reports }) {
    const fail = (): Recorder => {
      throw new RuntimeError("no protocol");
    };
    yield* rejects(on(loop.subprocessExec(fail, "true")), RuntimeError, "no protocol");
    assert.deepEqual(children(), []);
    class Failing extends Recorder {
      override processExited(): void {
        throw new RuntimeError("mine");
      }
    }
    const [transport, protocol] = yield* on(loop.subprocessExec(() => new Failing(loop), "true"));
    yield* until(on, () => reports.length > 0);
    transport.close();
    yield* on(protocol.over);
    assert.equal((reports.pop()!.exception as Error).message, "mine");
  },
);

inEachWorld("debug mode logs how a process begins and ends", function* ({ on, loop }) {
  using log = new CapturedLog();
  loop.setDebug(true);
  const [transport, protocol] = yield* on(loop.subprocessExec(() => new Recorder(loop), "sleep", "3600"));
  transport.close();
  yield* on(protocol.over);
  loop.setDebug(false);
  const text = log.entries.map(({ message }) => message).join("\n");
  assert.match(text, /process \[ 'sleep', '3600' \] created: pid \d+/);
  assert.match(text, /Close running child process: kill <SubprocessTransport closed pid=/);
  assert.match(text, /exited with return code -9/);
});

inEachWorld("an abort of the past starts nothing, and its reason is thrown", function* ({ on, loop }) {
  const signal = AbortSignal.abort(new RuntimeError("too late"));
  const starting = loop.subprocessExec(() => new Recorder(loop), "sleep", "3600", { signal });
  yield* rejects(on(starting), RuntimeError, "too late");
  assert.deepEqual(children(), []);
});
