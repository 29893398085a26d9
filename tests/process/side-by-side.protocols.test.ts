import assert from "node:assert/strict";
import {
  type EventLoop,
  PIPE,
  type SpawnOptions,
  STDOUT,
  type SubprocessTransport,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { inPython, notThere } from "./python.ts";
import { Recorder } from "./recorder.ts";
import { inEachWorld } from "./support.ts";

/** Each line: what is started, and what is done to its transport then. */
const CASES: readonly {
  readonly exec?: readonly string[];
  readonly shell?: string;
  readonly merged?: boolean;
  readonly inherited?: boolean;
  readonly does?: readonly (
    | "write"
    | "write much"
    | "eof"
    | "terminate"
    | "kill"
    | "close"
    | "close 0"
    | "close 1"
  )[];
}[] = [
  { exec: ["sh", "-c", "cat; echo error >&2; exit 4"], does: ["write", "eof"] },
  { exec: ["sh", "-c", "cat; echo error >&2; exit 4"], does: ["write", "close 0"] },
  { exec: ["cat"], does: ["terminate"] },
  { exec: ["cat"], does: ["kill", "kill"] },
  { exec: ["cat"], does: ["close"] },
  { exec: ["cat"], does: ["close", "close"] },
  { exec: ["sh", "-c", "read x; exec yes"], does: ["close 1", "eof"] },
  { exec: ["true"], inherited: true },
  { shell: "cat; echo error >&2; exit 5", merged: true, does: ["write", "eof"] },
  { exec: ["sh", "-c", "read x; exit 3"], does: ["write much"] },
  { exec: ["sh", "-c", "read x; exec 0<&-; exec sleep 0.1"], does: ["write much"] },
  { exec: ["sh", "-c", "(sleep 0.1; echo late) & echo early"], does: ["eof"] },
  { shell: "cat > /dev/null; kill -9 $$", does: ["write", "eof"] },
  { shell: "cat; exec 1>&- 2>&-", does: ["eof"] },
];

const PYTHON = `
import asyncio
from asyncio.subprocess import PIPE, STDOUT

class Recorder(asyncio.SubprocessProtocol):
    def __init__(self):
        self.calls, self.output = [], {1: b"", 2: b""}
        self.over = asyncio.get_running_loop().create_future()
    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("connectionMade")
    def pipe_data_received(self, fd, data):
        if not self.output[fd]:
            self.calls.append(f"pipeDataReceived {fd}")
        self.output[fd] += data
    def pipe_connection_lost(self, fd, error):
        self.calls.append(f"pipeConnectionLost {fd} {named(error)}")
    def process_exited(self):
        self.calls.append(f"processExited {self.transport.get_returncode()}")
    def pause_writing(self):
        self.calls.append("pauseWriting")
    def resume_writing(self):
        self.calls.append("resumeWriting")
    def connection_lost(self, error):
        self.calls.append("connectionLost")
        self.over.set_result(error)

def named(error):
    return "null" if error is None else type(error).__name__

async def one(case):
    loop = asyncio.get_running_loop()
    options = dict(stdin=None, stdout=None, stderr=None) if case.get("inherited") else {}
    if case.get("merged"):
        options["stderr"] = STDOUT
    if "exec" in case:
        transport, protocol = await loop.subprocess_exec(Recorder, *case["exec"], **options)
    else:
        transport, protocol = await loop.subprocess_shell(Recorder, case["shell"], **options)
    pipes = [transport.get_pipe_transport(fd) for fd in range(4)]
    before = [transport.get_pid() > 0, transport.is_closing(), [pipe is not None for pipe in pipes]]
    does = case.get("does", [])
    # Killing twice, CPython may reap the process itself, and then not know how it ended.
    for what in ["kill"] if "kill" in does else does:
        if what == "write": pipes[0].write(b"input")
        if what == "write much": pipes[0].write(b"\\n" + bytes(1_000_000))
        if what == "eof": pipes[0].write_eof()
        if what == "terminate": transport.terminate()
        if what == "kill": transport.kill()
        if what == "close": transport.close()
        if what == "close 0": pipes[0].close()
        if what == "close 1": pipes[1].close()
    lost = await protocol.over
    first, *between, last = protocol.calls
    try:
        transport.send_signal(0)
        signal = None
    except ProcessLookupError as error:
        signal = type(error).__name__
    output = [data.decode() for data in protocol.output.values()]
    after = [transport.get_returncode(), signal, [pipe.is_closing() for pipe in pipes if pipe]]
    return [before, first, sorted(between), last, named(lost), output, after]
`;

function* ours(on: Flavour["on"], loop: EventLoop, one: (typeof CASES)[number]): Steps<unknown> {
  const factory = () => new Recorder(loop);
  const inherited = one.inherited ? null : PIPE;
  const stderr = one.merged ? STDOUT : inherited;
  const options: SpawnOptions = { stdin: inherited, stdout: inherited, stderr };
  const [transport, protocol] = yield* on(
    one.exec === undefined
      ? loop.subprocessShell(factory, one.shell!, options)
      : loop.subprocessExec(factory, one.exec[0]!, ...one.exec.slice(1), options),
  );
  const pipes = [0, 1, 2, 3].map((fd) => transport.getPipeTransport(fd));
  const before = [transport.getPid() > 0, transport.isClosing(), pipes.map((pipe) => pipe !== null)];
  for (const what of one.does ?? []) act(transport, what);
  const lost = yield* on(protocol.over);
  const between = protocol.calls.slice(1, -1).sort();
  const closing = pipes.flatMap((pipe) => (pipe === null ? [] : [pipe.isClosing()]));
  const after = [transport.getReturncode(), signalled(transport), closing];
  const output = Object.values(protocol.output);
  return [before, protocol.calls[0], between, protocol.calls.at(-1), lost?.name ?? "null", output, after];
}

function act(
  transport: SubprocessTransport,
  what: NonNullable<(typeof CASES)[number]["does"]>[number],
): void {
  if (what === "write") transport.getPipeTransport(0)!.write("input");
  else if (what === "write much") transport.getPipeTransport(0)!.write(`\n${"\0".repeat(1_000_000)}`);
  else if (what === "eof") transport.getPipeTransport(0)!.writeEof();
  else if (what === "close 0") transport.getPipeTransport(0)!.close();
  else if (what === "close 1") transport.getPipeTransport(1)!.close();
  else transport[what]();
}

function signalled(transport: SubprocessTransport): string | null {
  try {
    transport.sendSignal(0);
    return null;
  } catch (error) {
    return (error as Error).name;
  }
}

inEachWorld(
  "protocols of processes are told what they are told under CPython",
  function* ({ on, loop }): Steps<void> {
    const expected = inPython(PYTHON, CASES);
    for (const [index, one] of CASES.entries()) {
      assert.deepEqual(yield* ours(on, loop, one), expected[index], JSON.stringify(one));
    }
  },
  { skip: notThere },
);
