import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import {
  CancelledError,
  Coroutine,
  createTask,
  type EventLoop,
  type Future,
  ProcessLookupError,
  ReadTransport,
  RuntimeError,
  SubprocessProtocol,
  SubprocessTransport,
  sleep,
  WriteTransport,
} from "../../src/index.ts";
import { PortableBackend } from "../../src/io/portable/portable-backend.ts";
import { BaseSubprocessTransport } from "../../src/process/base-subprocess.ts";
import { programCommand } from "../../src/process/command.ts";
import { spawn } from "../../src/process/spawning.ts";
import { CapturedLog } from "../core/captured-log.ts";
import { rejects } from "../helpers.ts";
import { children, inEachWorld, isAlive, STUBBORN, until } from "./support.ts";

/** Writes down what it is told. */
class Recorder extends SubprocessProtocol {
  readonly calls: string[] = [];
  readonly output = { 1: "", 2: "" };
  readonly over: Future<Error | null>;
  transport: SubprocessTransport | null = null;

  constructor(loop: EventLoop) {
    super();
    this.over = loop.createFuture();
  }

  override connectionMade(transport: SubprocessTransport): void {
    this.transport = transport;
    this.calls.push("connectionMade");
  }

  override pipeDataReceived(fd: 1 | 2, data: Buffer): void {
    if (this.output[fd] === "") this.calls.push(`pipeDataReceived ${fd}`);
    this.output[fd] += data;
  }

  override pipeConnectionLost(fd: number, error: Error | null): void {
    this.calls.push(`pipeConnectionLost ${fd} ${error === null ? null : error.name}`);
  }

  override processExited(): void {
    this.calls.push(`processExited ${this.transport!.getReturncode()}`);
  }

  override connectionLost(error: Error | null): void {
    this.calls.push("connectionLost");
    this.over.setResult(error);
  }

  override pauseWriting(): void {
    this.calls.push("pauseWriting");
  }

  override resumeWriting(): void {
    this.calls.push("resumeWriting");
  }
}

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

inEachWorld("an abort of the past starts nothing, and its reason is thrown", function* ({ on, loop }) {
  const signal = AbortSignal.abort(new RuntimeError("too late"));
  const starting = loop.subprocessExec(() => new Recorder(loop), "sleep", "3600", { signal });
  yield* rejects(on(starting), RuntimeError, "too late");
  assert.deepEqual(children(), []);
});
