import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createTask, openConnection } from "../../../src/index.ts";
import { backends, idle, inEachBackend } from "../../io/backends.ts";
import {
  big,
  curl,
  exchange,
  get,
  MiB,
  noCurl,
  noProc,
  noWrk,
  root,
  run,
  serve,
  small,
  statuses,
} from "./support.ts";

inEachBackend("nonsense is refused, and ends the connection", async (bench) => {
  const [, port] = await serve(bench);
  const requests: Record<string, string[]> = {
    400: ["\r\n\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"],
    405: ["DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"],
    413: [get("/", "Transfer-Encoding: chunked")],
    414: [get(`/${"x".repeat(20_000)}`), "x".repeat(20_000)],
    431: [get("/", `Cookie: ${"x".repeat(20_000)}`), get("/", ...Array.from({ length: 8000 }, () => "x: y"))],
  };
  requests[400]!.push(
    get("/", "No Colon"),
    get("/", "Space : x"),
    get("/", " folded"),
    get("*"),
    get("/", "A: \0"),
  );
  requests[400]!.push("GET / HTTP/1.1\r\nHost: cut o");
  for (const [code, each] of Object.entries(requests)) {
    for (const request of each) {
      const answer = await exchange(port, request);
      assert.deepEqual(statuses(answer), [code], request.slice(0, 60));
      assert.match(answer, /^Connection: close\r$/m);
    }
  }
  assert.deepEqual(statuses(await exchange(port, get("/", "Bad") + get("/small.txt"))), ["400"]);
});

inEachBackend(
  "who sends more than it should can do so to the end, and hears what was wrong",
  async (bench) => {
    const [, port] = await serve(bench);
    const upload = `POST / HTTP/1.1\r\nHost: here\r\nContent-Length: ${8 * MiB}\r\n\r\n${"x".repeat(8 * MiB)}`;
    assert.deepEqual(statuses(await exchange(port, upload)), ["405"]);
    assert.deepEqual(statuses(await exchange(port, "x".repeat(8 * MiB))), ["414"]);
  },
);

inEachBackend(
  "HEAD gets no body, and a range of none; an empty line before it does no harm",
  async (bench) => {
    const [, port] = await serve(bench);
    const answer = await exchange(
      port,
      `\r\n${get("/small.txt", "Range: bytes=1-2").replace("GET", "HEAD")}`,
    );
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n(.*\r\n)*Content-Length: 10\r\n(.+\r\n)*\r\n$/);
  },
);

inEachBackend("who asks for nothing in time is told so", async (bench) => {
  const [, port] = await serve(bench, 0.05);
  assert.deepEqual(statuses(await exchange(port, "", false)), ["408"]);
  assert.deepEqual(statuses(await exchange(port, get("/small.txt") + get("/").slice(0, 9), false)), [
    "200",
    "408",
  ]);
});

inEachBackend(
  "requests in one segment are answered in their order, and those in many segments",
  async (bench) => {
    const [, port] = await serve(bench);
    const request = get("/small.txt") + get("/nothing") + get("/empty") + get("http://here/small.txt");
    const last = get("/big", "Connection: close", "Range: bytes=0-99999");
    const answer = await exchange(port, `${request}${last}${get("/small.txt")}`, false);
    assert.deepEqual(statuses(answer), ["200", "404", "200", "200", "206"]);
    assert.equal(answer.split(`\r\n\r\n${small}HTTP`).length, 3);
    assert.ok(answer.endsWith(`\r\n\r\n${big.toString("latin1", 0, 100_000)}`));
    const [reader, writer] = await openConnection("127.0.0.1", port);
    await using _closing = writer;
    for (const letter of request) {
      writer.write(letter);
      await writer.drain();
      if (letter === "/") await idle();
    }
    writer.writeEof();
    assert.deepEqual(statuses((await reader.read()).toString()), ["200", "404", "200", "200"]);
  },
);

/** How often a file of the folder is open in this process. */
function openFiles(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.startsWith(root)).length;
}

inEachBackend(
  "neither a client that goes away in the middle of a file nor a refusal leaves anything open",
  async (bench) => {
    const [, port, server] = await serve(bench);
    for (let i = 0; i < 5; i++) {
      const [reader, writer] = await openConnection("127.0.0.1", port);
      writer.write(get("/big"));
      await reader.readexactly(100_000);
      assert.equal(openFiles(), 1);
      writer.transport.abort();
      while (openFiles() > 0) await idle();
    }
    const since = "If-Modified-Since: Sat, 29 Feb 2020 12:00:00 GMT";
    const refused = get("/small.txt", since) + get("/empty", "Range: bytes=0-") + get("/below");
    assert.deepEqual(statuses(await exchange(port, refused)), ["304", "416", "404"]);
    assert.equal(openFiles(), 0);
    await server.stop(30);
  },
  { skip: noProc },
);

inEachBackend("a file that becomes shorter breaks the connection", async (bench) => {
  const [, port] = await serve(bench);
  const path = join(root, `shrinking-${bench.backend}`);
  writeFileSync(path, big);
  const socket = connect(port, "127.0.0.1");
  bench.defer(() => socket.destroy());
  socket.write(get(`/shrinking-${bench.backend}`));
  await once(socket, "readable");
  socket.on("error", () => {});
  truncateSync(path, 0);
  let received = 0;
  socket.on("data", (data) => {
    received += data.length;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  assert.ok(received > 0 && received < big.length, `${received}`);
});

inEachBackend("stopping lets downloads finish, and does not wait for who asks nothing", async (bench) => {
  const [, port, server] = await serve(bench);
  const [idleReader, idleWriter] = await openConnection("127.0.0.1", port);
  await using _idle = idleWriter;
  idleWriter.write(get("/small.txt"));
  await idleReader.readuntil(small);
  const [reader, writer] = await openConnection("127.0.0.1", port);
  await using _closing = writer;
  writer.write(get("/big"));
  const head = await reader.readuntil("\r\n\r\n");
  const stopping = createTask(() => server.stop(30));
  assert.equal((await idleReader.read()).length, 0);
  assert.match(head.toString(), /Content-Length: 67108864/);
  const hash = createHash("sha256").update(await reader.readexactly(big.length));
  assert.equal(hash.digest("hex"), createHash("sha256").update(big).digest("hex"));
  writer.writeEof();
  assert.equal((await reader.read()).length, 0);
  await stopping;
});

inEachBackend(
  "wrk finds no fault with it",
  async (bench) => {
    const [url] = await serve(bench);
    for (const path of ["small.txt", "middle"]) {
      const { stdout } = await run("wrk", ["-t1", "-c8", "-d1", `${url}/${path}`]);
      assert.match(stdout, /Requests\/sec: +[1-9]/);
      assert.doesNotMatch(stdout, /Socket errors|Non-2xx/);
    }
  },
  { skip: noWrk },
);

for (const { name, skip } of backends) {
  test(`npm run example http-files -- DIR PORT serves it until Ctrl-C (${name})`, {
    skip: skip || noCurl,
  }, async () => {
    const child = spawn(process.execPath, ["examples/run.ts", "http-files", root, "0"], {
      env: { ...process.env, ASYNCIO_BACKEND: name },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "exit");
    const lines: AsyncIterator<Buffer> = child.stdout[Symbol.asyncIterator]();
    const [url] = /http:\/\/\S+\//.exec(String((await lines.next()).value)) ?? [""];
    assert.equal(await curl(`${url}small.txt`), small);
    child.kill("SIGINT");
    assert.equal(String((await lines.next()).value), "stopped\n");
    assert.deepEqual(await exit, [0, null]);
  });
}
