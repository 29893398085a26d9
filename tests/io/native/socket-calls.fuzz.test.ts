import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { describe } from "node:test";
import {
  CancelledError,
  createTask,
  ensureFuture,
  Socket,
  sleep,
  socketpair,
  type Task,
} from "../../../src/index.ts";
import type { Steps } from "../../flavours.ts";
import { rejects } from "../../helpers.ts";
import { pattern } from "../recorder.ts";
import { inEachFlavourNatively, type NativeBench } from "./flavoured.ts";
import { listener } from "./support.ts";

const MiB = 1024 * 1024;
const noPython = spawnSync("python3", ["--version"]).status === 0 ? false : "no python3";

/** Numbers that look random, the same in each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    yield x >>> 8;
  }
}

/** Let a task go on for so many turns, then cancel it: what it gives, or null if it was cancelled. */
function* cancelledAfter<T>({ on }: NativeBench, turns: number, task: Task<T>): Steps<T | null> {
  for (let i = 0; i < turns; i++) yield* on(sleep(0));
  if (!task.cancel()) return yield* on(task);
  yield* rejects(on(task), CancelledError);
  return null;
}

describe("cancelling at any moment", () => {
  inEachFlavourNatively("a sockRecv loses no byte", function* (bench) {
    const { on, loop } = bench;
    const [left, right] = socketpair();
    const data = pattern(MiB);
    const random = numbers(1);
    const sending = createTask(
      bench.coroutine(function* () {
        for (let start = 0; start < data.length; ) {
          const end = start + 1 + (random.next().value % 20_000);
          yield* on(loop.sockSendall(left, data.subarray(start, end)));
          start = end;
          for (let turns = random.next().value % 6; turns > 0; turns--) yield* on(sleep(0));
        }
        left.close();
      })(),
    );
    const chunks: Buffer[] = [];
    let cancelled = 0;
    for (;;) {
      const task = createTask(loop.sockRecv(right, 1 + (random.next().value % 10_000)));
      const chunk = yield* cancelledAfter(bench, random.next().value % 5, task);
      if (chunk === null) cancelled++;
      else if (chunk.length === 0) break;
      else chunks.push(chunk);
    }
    yield* on(sending);
    assert.ok(cancelled > 10);
    assert.ok(Buffer.concat(chunks).equals(data));
    right.close();
  });

  inEachFlavourNatively("a sockSendall sends a beginning of its data, and nothing twice", function* (bench) {
    const { on, loop } = bench;
    const random = numbers(2);
    let cancelled = 0;
    for (let round = 0; round < 60; round++) {
      const [left, right] = socketpair();
      const data = pattern(1 + (random.next().value % (2 * MiB)), round);
      const sending = createTask(loop.sockSendall(left, data));
      const chunks: Buffer[] = [];
      const receiving = createTask(
        bench.coroutine(function* () {
          for (;;) {
            const chunk = yield* on(loop.sockRecv(right, 50_000));
            if (chunk.length === 0) return;
            chunks.push(chunk);
          }
        })(),
      );
      const result = yield* cancelledAfter(bench, random.next().value % 60, sending);
      assert.equal(loop.removeWriter(left), false);
      left.close();
      yield* on(receiving);
      right.close();
      const received = Buffer.concat(chunks);
      assert.ok(received.equals(data.subarray(0, received.length)));
      if (result === null) cancelled++;
      else assert.equal(received.length, data.length);
    }
    assert.ok(cancelled > 5 && cancelled < 60);
  });

  inEachFlavourNatively("a sockAccept loses no connection", function* (bench) {
    const { on, loop } = bench;
    const random = numbers(3);
    const server = listener();
    const peers = new Set<string>();
    const clients = Array.from({ length: 40 }, () => new Socket());
    const connecting = createTask(
      bench.coroutine(function* () {
        for (const client of clients) {
          yield* on(loop.sockConnect(client, server.getsockname()));
          for (let turns = random.next().value % 6; turns > 0; turns--) yield* on(sleep(0));
        }
      })(),
    );
    while (peers.size < clients.length) {
      const task = createTask(loop.sockAccept(server));
      const accepted = yield* cancelledAfter(bench, random.next().value % 5, task);
      if (accepted === null) continue;
      peers.add(String(accepted[1]));
      accepted[0].close();
    }
    yield* on(connecting);
    assert.deepEqual([...peers].sort(), clients.map((client) => String(client.getsockname())).sort());
    for (const socket of [server, ...clients]) socket.close();
  });
});

/** Python, with a program; ends with the test. */
function python({ t }: NativeBench, program: string): { child: ChildProcess; line: () => Promise<string> } {
  const child = spawn("python3", ["-c", program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const output = child.stdout!.setEncoding("utf8");
  return { child, line: async () => String((await once(output, "data"))[0]).trim() };
}

describe("with a peer in Python", () => {
  inEachFlavourNatively(
    "sockConnect, sockSendall and sockRecv talk to a server",
    function* (bench) {
      const { on, loop } = bench;
      const { child, line } = python(
        bench,
        `
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    sock, _ = server.accept()
    with sock:
        while data := sock.recv(70000): sock.sendall(data.swapcase())`,
      );
      const port = Number(yield* on(ensureFuture(line())));
      const sock = new Socket();
      yield* on(loop.sockConnect(sock, ["localhost", port]));
      const data = Buffer.from("Hello Python! ".repeat(200_000));
      const sending = createTask(loop.sockSendall(sock, data));
      const back = Buffer.alloc(data.length);
      for (let size = 0; size < back.length; ) {
        size += yield* on(loop.sockRecvInto(sock, back.subarray(size)));
      }
      yield* on(sending);
      sock.close();
      assert.equal(back.toString(), "hELLO pYTHON! ".repeat(200_000));
      if (child.exitCode === null) yield* on(ensureFuture(once(child, "close")));
    },
    { skip: noPython },
  );

  inEachFlavourNatively(
    "sockAccept takes a client, and sockSendfile sends it a file",
    function* (bench) {
      const { on, loop } = bench;
      const server = listener();
      const [, port] = server.getsockname() as [string, number];
      const { child, line } = python(
        bench,
        `
import hashlib, socket
with socket.create_connection(("127.0.0.1", ${port})) as sock:
    digest = hashlib.sha256()
    while data := sock.recv(1 << 20): digest.update(data)
print(digest.hexdigest(), flush=True)`,
      );
      const [connection] = yield* on(loop.sockAccept(server));
      const answer = line();
      const fd = openSync(process.execPath, "r");
      const sent = yield* on(loop.sockSendfile(connection, fd));
      closeSync(fd);
      connection.close();
      server.close();
      const node = readFileSync(process.execPath);
      assert.equal(sent, node.length);
      assert.equal(yield* on(ensureFuture(answer)), createHash("sha256").update(node).digest("hex"));
      if (child.exitCode === null) yield* on(ensureFuture(once(child, "close")));
    },
    { skip: noPython },
  );
});
