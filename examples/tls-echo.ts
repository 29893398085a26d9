import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  openConnection,
  run,
  SSLCertVerificationError,
  type StreamReader,
  type StreamWriter,
  startServer,
} from "../src/index.ts";

export const title = "An echo server and its client, over TLS";

const SUBJECT = ["-subj", "/CN=echo", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];

interface Identity {
  key: string;
  cert: string;
}

/** A key and a certificate for this machine, for a day, which nobody but itself has signed. */
async function makeIdentity(): Promise<Identity> {
  const directory = await mkdtemp(join(tmpdir(), "tls-echo-"));
  const [key, cert] = [join(directory, "key"), join(directory, "cert")];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
  try {
    await promisify(execFile)("openssl", ["req", "-x509", "-days", "1", ...newKey, ...SUBJECT, "-out", cert]);
    return { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

/** Trusts whatever `ca` has signed; without it, whatever the authorities that Node knows have. */
async function client(port: number, ca?: string): Promise<void> {
  const [reader, writer] = await openConnection("127.0.0.1", port, { ssl: { ca } });
  console.log(`client speaks ${writer.getExtraInfo("cipher")?.version}`);
  writer.write("Hello, secret world!\n");
  const reply = await reader.readline();
  console.log(`client got    ${JSON.stringify(reply.toString())}`);
  writer.close();
  await writer.waitClosed();
}

export async function main(): Promise<void> {
  let identity: Identity;
  try {
    identity = await makeIdentity();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.log("not on this machine: the certificate is made with openssl, which is not installed");
    return;
  }
  await run(async () => {
    await using server = await startServer(echo, "127.0.0.1", 0, { ssl: identity });
    const [, port] = server.sockets[0]!.getsockname() as [string, number];
    await client(port, identity.cert);
    try {
      await client(port);
    } catch (error) {
      if (!(error instanceof SSLCertVerificationError)) throw error;
      console.log(`a client that was not given the certificate throws ${error.name}`);
    }
  });
}
