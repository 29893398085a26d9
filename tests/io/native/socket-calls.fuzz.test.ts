import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { describe } from "node:test";
import {
  AF_INET,
  CancelledError,
  createTask,
  ensureFuture,
  SOCK_DGRAM,
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

describe("cancelling at any moment, with memory of one's own, datagrams and files", () => {
  inEachFlavourNatively("a sockRecvInto loses no byte, or leaves the buffer as it was", function* (bench) {
    const { on, loop } = bench;
    const [left, right] = socketpair();
    const data = pattern(MiB / 4);
    const random = numbers(4);
    const sending = createTask(
      bench.coroutine(function* () {
        for (let start = 0; start < data.length; start += 7_000) {
          yield* on(loop.sockSendall(left, data.subarray(start, start + 7_000)));
          for (let turns = random.next().value % 6; turns > 0; turns--) yield* on(sleep(0));
        }
        left.close();
      })(),
    );
    const chunks: Buffer[] = [];
    let cancelled = 0;
    for (;;) {
      const buffer = Buffer.alloc(1 + (random.next().value % 10_000), "-");
      const count = yield* cancelledAfter(
        bench,
        random.next().value % 5,
        createTask(loop.sockRecvInto(right, buffer)),
      );
      if (count === 0) break;
      if (count === null) {
        cancelled++;
        assert.ok(buffer.every((byte) => byte === 0x2d));
      } else {
        chunks.push(buffer.subarray(0, count));
      }
    }
    yield* on(sending);
    assert.ok(cancelled > 10);
    assert.ok(Buffer.concat(chunks).equals(data));
    right.close();
  });

  inEachFlavourNatively(
    "sockSendto and sockRecvfrom lose no datagram, and give none twice",
    function* (bench) {
      const { on, loop } = bench;
      const [left, right] = [new Socket(AF_INET, SOCK_DGRAM), new Socket(AF_INET, SOCK_DGRAM)];
      for (const socket of [left, right]) socket.bind(["127.0.0.1", 0]);
      const random = numbers(5);
      const sent: string[] = [];
      const sending = createTask(
        bench.coroutine(function* () {
          for (let i = 0; i < 300; i++) {
            const datagram = `datagram ${i}`;
            const turns = random.next().value % 2;
            const task = createTask(loop.sockSendto(left, datagram, right.getsockname()));
            if ((yield* cancelledAfter(bench, turns, task)) !== null) sent.push(datagram);
            for (let pause = random.next().value % 6; pause > 0; pause--) yield* on(sleep(0));
          }
          yield* on(loop.sockSendto(left, "the end", right.getsockname()));
        })(),
      );
      const received: string[] = [];
      let cancelled = 0;
      for (const memory = Buffer.alloc(100); ; ) {
        const into = random.next().value % 2 === 0;
        const task: Task<[number | Buffer, unknown]> = into
          ? createTask(loop.sockRecvfromInto(right, memory))
          : createTask(loop.sockRecvfrom(right, memory.length));
        const found = yield* cancelledAfter(bench, random.next().value % 5, task);
        if (found === null) {
          cancelled++;
          continue;
        }
        const [what, sender] = found;
        assert.deepEqual(sender, left.getsockname());
        const text = String(typeof what === "number" ? memory.subarray(0, what) : what);
        if (text === "the end") break;
        received.push(text);
      }
      yield* on(sending);
      assert.ok(cancelled > 10 && sent.length > 10 && sent.length < 300);
      assert.deepEqual(received, sent);
      left.close();
      right.close();
    },
  );

  inEachFlavourNatively(
    "a sockSendfile leaves the file's position behind what it has sent",
    function* (bench) {
      const { on, loop } = bench;
      const random = numbers(6);
      const fd = openSync(process.execPath, "r");
      const file = Buffer.alloc(6 * MiB);
      assert.equal(readSync(fd, file, 0, file.length, 0), file.length);
      let cancelled = 0;
      for (let round = 0; round < 15; round++) {
        const [left, right] = socketpair();
        const offset = random.next().value % (4 * MiB);
        const count = 1 + (random.next().value % (2 * MiB));
        const sending = createTask(loop.sockSendfile(left, fd, { offset, count }));
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
        const result = yield* cancelledAfter(bench, random.next().value % 40, sending);
        left.close();
        yield* on(receiving);
        right.close();
        const received = Buffer.concat(chunks);
        assert.ok(received.equals(file.subarray(offset, offset + received.length)));
        if (result === null) cancelled++;
        else assert.equal(result, count);
        if (received.length > 0) assert.equal(positionOf(fd), offset + received.length);
      }
      closeSync(fd);
      assert.ok(cancelled > 1 && cancelled < 15, `${cancelled} of 15 were cancelled`);
    },
  );
});

/** Where the next read of a file begins. */
function positionOf(fd: number): number {
  return Number(/pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]);
}

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
