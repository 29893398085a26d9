/** A client in Python whose TLS breaks, or ends without a close_notify. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before } from "node:test";
import type { StreamProtocol } from "../../../src/index.ts";
import type { Bench } from "../backends.ts";
import { missing } from "../programs.ts";
import { authority, localhost, opensslSkip } from "./certificates.ts";
import { serveTls } from "./support.ts";

/**
 * One process for all, for it takes a second to start. Each connection to it is a case, which its first line tells: it
 * says "ready" after the handshake, sends so many bytes after the next line, breaks in this way, and tells how we ended.
 */
const PROGRAM = `
import array, fcntl, os, socket, ssl, struct, sys, termios, threading, time

def unsent(sock):
    size = array.array("i", [0])
    fcntl.ioctl(sock, termios.TIOCOUTQ, size)
    return size[0]

def play(control):
    port, how, count, cafile = control.readline().rstrip("\\n").split(" ", 3)
    sock = socket.create_connection(("127.0.0.1", int(port)))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=cafile).wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
    sock.sendall(outgoing.read())
    print("ready", file=control, flush=True)
    control.readline()
    tls.write(bytes(i * 7 % 256 for i in range(int(count))))
    sock.sendall(outgoing.read())
    while unsent(sock):
        time.sleep(0.001)
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    elif how == "garbage":
        sock.sendall(b"this is no record of TLS")
        control.readline()
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
                print(data.decode(), file=control, flush=True)
            print("close_notify", file=control, flush=True)
        except ssl.SSLEOFError:
            print("truncated", file=control, flush=True)
    sock.close()

def serve(connection):
    with connection, connection.makefile("rw") as control:
        play(control)

def accept(listener):
    while True:
        threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, args=[listener], daemon=True).start()
sys.stdin.read()
os._exit(0)
`;

/** Why there is none. */
export const peerSkip: string | false =
  opensslSkip || missing("python3", ["-ISc", "import _ssl; print(_ssl.OPENSSL_VERSION)"]);

let program: ChildProcess | null = null;
let controlPort = 0;

/** Have the program run as long as the tests of this file do. */
export function withBreakingPeers(): void {
  before(startProgram);
  after(endProgram);
}

async function startProgram(): Promise<void> {
  if (peerSkip) return;
  const child = spawn("python3", ["-c", PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  program = child;
  // Meanwhile, for making them takes a while, too.
  localhost();
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  controlPort = Number(line);
}

async function endProgram(): Promise<void> {
  if (program === null) return;
  const closed = once(program, "close");
  program.stdin!.end();
  await closed;
}

export type How = "reset" | "garbage" | "close" | "shutdown";

/** How many bytes a peer sends, if not told otherwise. */
export const COUNT = 50_000;

/** What it sends. */
export const sentBy = (count: number) => Buffer.from(Array.from({ length: count }, (_, i) => (i * 7) % 256));

interface BreakingPeer {
  /** Have it send, and break. */
  go(): void;
  /** What it tells when it is over. */
  readonly outcome: Promise<string>;
}

/** A peer whose handshake with our server is done. */
export async function breakingPeer(
  bench: Bench,
  protocol: StreamProtocol & { called(method: string): Promise<void> },
  how: How,
  count = COUNT,
): Promise<BreakingPeer> {
  const port = await serveTls(bench, () => protocol);
  const control = connect({ port: controlPort, host: "127.0.0.1" });
  const closed = once(control, "close");
  bench.defer(() => {
    control.end();
    return closed;
  });
  const told = text(control);
  control.write(`${port} ${how} ${count} ${authority().certfile}\n`);
  const [ready] = (await once(control, "data")) as [Buffer];
  assert.equal(String(ready), "ready\n");
  await protocol.called("connectionMade");
  return { go: () => control.write("go\n"), outcome: told.then((all) => all.slice("ready\n".length)) };
}
