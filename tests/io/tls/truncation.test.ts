/** TLS that breaks, or ends without a close_notify, while the protocol reads or does not. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe } from "node:test";
import {
  ConnectionResetError,
  type OSError,
  SSLError,
  type StreamProtocol,
  sleep,
} from "../../../src/index.ts";
import { type Bench, idle, inEachBackend } from "../backends.ts";
import { leavingNoFile } from "../carriers.ts";
import { missing } from "../programs.ts";
import { BufferedRecorder, pattern, Recorder } from "../recorder.ts";
import { authority, opensslSkip } from "./certificates.ts";
import { asTls, serveTls } from "./support.ts";

/** Says "ready" after the handshake, sends so many bytes, waits for a line, breaks in this way, and tells how we ended. */
const PEER = `
import array, fcntl, socket, ssl, struct, sys, termios, time
port, cafile, how, count = sys.argv[1:]
sock = socket.create_connection(("127.0.0.1", int(port)))
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = ssl.create_default_context(cafile=cafile).wrap_bio(incoming, outgoing, server_hostname="localhost")

def unsent():
    size = array.array("i", [0])
    fcntl.ioctl(sock, termios.TIOCOUTQ, size)
    return size[0]

while True:
    try:
        tls.do_handshake()
        break
    except ssl.SSLWantReadError:
        sock.sendall(outgoing.read())
        incoming.write(sock.recv(65536))
sock.sendall(outgoing.read())
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
tls.write(bytes(i * 7 % 256 for i in range(int(count))))
sock.sendall(outgoing.read())
while unsent():
    time.sleep(0.001)
if how == "reset":
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
elif how == "garbage":
    sock.sendall(b"this is no record of TLS")
    sys.stdin.readline()
elif how == "close":
    # What is unread would make it a reset.
    sock.recv(65536, socket.MSG_DONTWAIT)
    sock.close()
elif how == "shutdown":
    sock.shutdown(socket.SHUT_WR)
    while data := sock.recv(65536):
        incoming.write(data)
    incoming.write_eof()
    try:
        while data := tls.read(65536):
            print(data.decode(), flush=True)
        print("close_notify", flush=True)
    except ssl.SSLEOFError:
        print("truncated", flush=True)
`;

const python = missing("python3", ["-c", "import ssl; print(ssl.OPENSSL_VERSION)"]);
const pauses = { onMade: (transport: { pauseReading(): void }) => transport.pauseReading() };
const COUNT = 50_000;
/** More than TLS takes at once. */
const MANY = 384 * 1024;

const sentBy = (count: number) => Buffer.from(Array.from({ length: count }, (_, i) => (i * 7) % 256));

interface Peer {
  /** Have it send, and break. */
  go(): void;
  /** What it tells when it is over. */
  readonly outcome: Promise<string>;
}

type How = "reset" | "garbage" | "close" | "shutdown";

/** A peer in Python, whose handshake with our server is done. */
async function peer(
  bench: Bench,
  protocol: StreamProtocol & { called(method: string): Promise<void> },
  how: How,
  count = COUNT,
): Promise<Peer> {
  const port = await serveTls(bench, () => protocol);
  const args = ["-c", PEER, `${port}`, authority().certfile, how, `${count}`];
  const child = spawn("python3", args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const closed = once(child, "close");
  bench.defer(() => {
    child.stdin.end();
    return closed;
  });
  const [ready] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(String(ready), "ready\n");
  await protocol.called("connectionMade");
  return { go: () => child.stdin.write("\n"), outcome: text(child.stdout) };
}

/** Wait until the transport below knows that it is over, or that of TLS, or as long as anything needs that is to come. */
async function noticed({ transport }: Recorder, how: How): Promise<void> {
  if (how !== "garbage") while (!/over <SocketTransport closed/.test(String(transport))) await sleep(0);
  else while (!asTls(transport).getExtraInfo("ssl_object")?.destroyed) await sleep(0);
  await idle();
}

function inNoFile(name: string, body: (bench: Bench) => Promise<void>): void {
  inEachBackend(name, (bench) => leavingNoFile(bench, body), { skip: python });
}

describe("TLS that breaks", { skip: opensslSkip }, () => {
  for (const [how, Class] of [
    ["reset", ConnectionResetError],
    ["garbage", SSLError],
  ] as [How, typeof OSError][]) {
    inNoFile(`while reading is paused, a ${how} waits behind what came in before it`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await peer(bench, recorder, how);
      go();
      await noticed(recorder, how);
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      assert.equal(recorder.transport.isClosing(), false);
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(COUNT)), `${recorder.size} bytes`);
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
      assert.equal(recorder.calls.includes("eofReceived"), false);
    });

    inNoFile(`a ${how} behind many bytes comes after them when reading goes on`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await peer(bench, recorder, how, MANY);
      go();
      await idle();
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(MANY)), `${recorder.size} bytes`);
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
    });

    inNoFile(`who waits to write is not left waiting by a ${how}, also where nobody reads`, async (bench) => {
      const recorder = new Recorder(bench.loop, pauses);
      const { go } = await peer(bench, recorder, how);
      recorder.transport.write(Buffer.alloc(16 * 1024 * 1024));
      go();
      // Node may drop what it holds a moment before it says why: then the writer goes on, and the next write tells.
      await Promise.race([recorder.called("connectionLost"), recorder.called("resumeWriting")]);
      while (!recorder.calls.includes("connectionLost")) {
        recorder.transport.write("x");
        await sleep(0);
      }
      assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
    });

    inNoFile(`after a ${how}, who writes is told, also where nobody reads`, async (bench) => {
      for (const write of ["write", "writelines"] as const) {
        const recorder = new Recorder(bench.loop, pauses);
        const { go } = await peer(bench, recorder, how);
        go();
        await noticed(recorder, how);
        if (write === "write") recorder.transport.write("x");
        else recorder.transport.writelines(["x", "y"]);
        await recorder.called("connectionLost");
        assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
      }
    });

    inNoFile(`after a ${how} that nobody has read, close and abort end the connection`, async (bench) => {
      for (const end of ["close", "abort"] as const) {
        const recorder = new Recorder(bench.loop, pauses);
        const { go } = await peer(bench, recorder, how);
        go();
        await noticed(recorder, how);
        recorder.transport[end]();
        await recorder.called("connectionLost");
        if (end === "abort") assert.equal(recorder.lostWith, null);
        else assert.ok(recorder.lostWith instanceof Class, String(recorder.lostWith));
        assert.equal(recorder.size, 0);
      }
    });

    inNoFile(`after a ${how} a protocol with memory of its own gets all that came before`, async (bench) => {
      const recorder = new BufferedRecorder(bench.loop, 1000);
      const { go } = await peer(bench, recorder, how);
      recorder.transport.pauseReading();
      go();
      await idle();
      recorder.transport.resumeReading();
      await recorder.called("connectionLost");
      assert.ok(recorder.received.equals(sentBy(COUNT)), `${recorder.received.length} bytes`);
    });
  }
});

describe("TLS that ends without a close_notify", { skip: opensslSkip }, () => {
  for (const how of ["close", "shutdown"] as const) {
    for (const answer of ["nothing", "something"] as const) {
      inNoFile(`by a ${how} is an end, also if ${answer} is written then`, async (bench) => {
        for (let round = 0; round < 2; round++) {
          const recorder = new Recorder(bench.loop);
          if (answer === "something") {
            recorder.onEof = () => {
              recorder.transport.write("a last word");
              recorder.transport.writelines(["and", "another"]);
              return false;
            };
          }
          const { go, outcome } = await peer(bench, recorder, how);
          go();
          await recorder.called("connectionLost");
          assert.equal(recorder.lostWith, null);
          assert.ok(recorder.received.equals(sentBy(COUNT)));
          assert.equal(recorder.calls.at(-2), "eofReceived");
          assert.equal(await outcome, how === "shutdown" ? "truncated\n" : "");
        }
      });
    }
  }

  inNoFile("gets what was written before its end was known", async (bench) => {
    const data = pattern(3 * 1024 * 1024);
    const recorder = new Recorder(bench.loop, {
      onData: () => {
        if (recorder.calls.filter((call) => call === "dataReceived").length > 1) return;
        recorder.transport.write("first ");
        recorder.transport.write("second");
        recorder.transport.write(data.toString("latin1").replaceAll(/[^a-z]/g, "z"));
      },
    });
    const { go, outcome } = await peer(bench, recorder, "shutdown", 1);
    go();
    await recorder.called("connectionLost");
    assert.equal(recorder.lostWith, null);
    const got = (await outcome).replaceAll("\n", "");
    assert.match(got, /^first secondz+/);
    assert.match(got, /truncated$/);
    assert.equal(got.length, "first secondtruncated".length + data.length);
  });

  inNoFile("while reading is paused is an end after that, and close is enough", async (bench) => {
    for (const then of ["resumeReading", "close"] as const) {
      const recorder = new Recorder(bench.loop, pauses);
      const { go, outcome } = await peer(bench, recorder, "shutdown");
      go();
      await idle();
      assert.deepEqual(recorder.calls, ["connectionMade"]);
      recorder.transport[then]();
      await recorder.called("connectionLost");
      assert.equal(recorder.lostWith, null);
      if (then === "resumeReading") assert.equal(await outcome, "truncated\n");
    }
  });
});
