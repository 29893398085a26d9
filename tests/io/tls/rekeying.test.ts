/** New keys in the middle of a connection: KeyUpdate in TLS 1.3, and renegotiation in TLS 1.2, asked for by the other side. */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { describe } from "node:test";
import {
  ConnectionError,
  ensureFuture,
  openConnection,
  SSLError,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "../../../src/index.ts";
import { type Bench, inEachBackend } from "../backends.ts";
import { pattern, portOf } from "../recorder.ts";
import { authority, localhost, opensslSkip } from "./certificates.ts";
import { asTls, clientContext, serverContext } from "./support.ts";

/** What openssl is told, and what it says then, as a client. */
const COMMANDS = {
  tls1_3: { commands: ["k", "K", "K"], says: "KEYUPDATE" },
  tls1_2: { commands: ["R", "R"], says: "RENEGOTIATING" },
} as const;

/** What it says then as a server, but not at once. */
const HANDSHAKEN = "SSL_do_handshake -> 1\n";

/** What it may say in the middle of what it received. */
const NOISE = new RegExp(`(?:read|write)(?: \\w)? BLOCK\n|${HANDSHAKEN}`, "gi");

/** More than a record, without a line's end. */
const PAYLOAD = pattern(20_000).toString("hex");

/** openssl, and all that it has said. */
class Openssl {
  readonly #child: ChildProcessWithoutNullStreams;
  #said = "";

  constructor({ defer }: Bench, args: readonly string[]) {
    this.#child = spawn("openssl", args);
    const closed = once(this.#child, "close");
    defer(() => {
      this.#child.kill();
      return closed;
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        this.#child.emit("said");
      });
    }
  }

  async #more(): Promise<void> {
    await ensureFuture(once(this.#child, "said"));
  }

  /** It looks for a command at the beginning of what it reads at once: wait for something before the next line. */
  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Wait until it has said this, so often. */
  async says(text: string, times = 1): Promise<void> {
    while (this.#said.replaceAll(NOISE, "").split(text).length <= times) await this.#more();
  }

  get handshakes(): number {
    return this.#said.split(HANDSHAKEN).length - 1;
  }

  /** Wait until it serves, and give its port. */
  async port(): Promise<number> {
    const accepting = /ACCEPT .*:(\d+)\n/;
    while (!accepting.test(this.#said)) await this.#more();
    return Number(accepting.exec(this.#said)![1]);
  }
}

describe("TLS whose other side wants new keys", { skip: opensslSkip }, () => {
  for (const [version, { commands, says }] of Object.entries(COMMANDS)) {
    inEachBackend(`goes on at our server, in ${version}`, async (bench) => {
      const answer = async (reader: StreamReader, writer: StreamWriter) => {
        try {
          for await (const line of reader) writer.write(`${line}${PAYLOAD}`);
        } catch (error) {
          // It is killed in the end, perhaps before it has read all.
          if (!(error instanceof ConnectionError)) throw error;
        }
        writer.close();
      };
      const server = await startServer(answer, "127.0.0.1", 0, { ssl: serverContext() });
      bench.defer(() => server.close({ drain: 5 }));
      const at = `127.0.0.1:${portOf(server.sockets[0]!)}`;
      const openssl = new Openssl(bench, [
        ...["s_client", "-connect", at, `-${version}`],
        ...["-CAfile", authority().certfile, "-verify_return_error", "-verify_ip", "127.0.0.1"],
      ]);
      openssl.write("at first");
      await openssl.says(`at first\n${PAYLOAD}`);
      for (const [i, command] of commands.entries()) {
        openssl.write(command);
        await openssl.says(says, i + 1);
        openssl.write(`and then ${i}`);
        await openssl.says(`and then ${i}\n${PAYLOAD}`);
      }
    });

    inEachBackend(`goes on at our client, in ${version}`, async (bench) => {
      const { certfile, keyfile } = localhost();
      const openssl = new Openssl(bench, [
        ...["s_server", "-accept", "127.0.0.1:0", `-${version}`],
        ...["-cert", certfile, "-key", keyfile],
      ]);
      const port = await openssl.port();
      const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: clientContext() });
      bench.defer(() => writer.transport.abort());
      const finished = () => asTls(writer.transport).getExtraInfo("ssl_object")!.getFinished();
      const atFirst = finished();
      for (const [i, command] of ["", ...commands].entries()) {
        if (command !== "") openssl.write(command);
        const sent = `${i} ${PAYLOAD}\n`;
        writer.write(sent);
        await openssl.says(sent);
        openssl.write(`answer ${i}`);
        assert.equal(String(await reader.readline()), `answer ${i}\n`);
      }
      assert.equal(openssl.handshakes, commands.length);
      if (version === "tls1_2") assert.notDeepEqual(finished(), atFirst);
    });
  }

  inEachBackend("is refused if that is all that it wants, in tls1_2", async (bench) => {
    const outcome = Promise.withResolvers<unknown>();
    const answer = async (reader: StreamReader, writer: StreamWriter) => {
      try {
        for await (const line of reader) writer.write(line);
      } catch (error) {
        outcome.resolve(error);
      }
      writer.close();
    };
    const server = await startServer(answer, "127.0.0.1", 0, { ssl: serverContext() });
    bench.defer(() => server.close({ drain: 5 }));
    const at = `127.0.0.1:${portOf(server.sockets[0]!)}`;
    const openssl = new Openssl(bench, ["s_client", "-connect", at, "-tls1_2"]);
    for (const [i, word] of ["first", "second", "third", "fourth"].entries()) {
      openssl.write(`the ${word}`);
      await openssl.says(`the ${word}\n`);
      openssl.write("R");
      await openssl.says("RENEGOTIATING", i + 1);
    }
    const error = await outcome.promise;
    assert.ok(error instanceof SSLError);
    assert.equal(error.code, "ERR_TLS_SESSION_ATTACK");
  });
});
