import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { isIP } from "node:net";
import { describe, test } from "node:test";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  CancelledError,
  createTask,
  type EventLoop,
  type GetaddrinfoOptions,
  gaierror,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NI_DGRAM,
  NI_NAMEREQD,
  NI_NOFQDN,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  NotImplementedError,
  SOCK_DGRAM,
  SOCK_STREAM,
  setLogger,
  ValueError,
} from "../../src/index.ts";
import { flavours, type Steps } from "../flavours.ts";
import { backends, failure, inEachBackend } from "./backends.ts";

const NUMERIC = NI_NUMERICHOST | NI_NUMERICSERV;
const [NONE, STREAM] = [0, SOCK_STREAM];

type Question = [
  host: string | null,
  port: string | number | null,
  ...Partial<[number, number, number, number]>,
];

/** As Python's arguments: host, port, family, type, proto, flags. */
const ADDRINFO: readonly Question[] = [
  ["127.0.0.1", 80],
  ["127.0.0.1", "80"],
  ["127.0.0.1", null],
  ["127.0.0.1", ""],
  ["127.0.0.1", 80, AF_INET, SOCK_DGRAM],
  ["127.0.0.1", 80, NONE, NONE, IPPROTO_TCP],
  ["127.0.0.1", 80, NONE, NONE, IPPROTO_UDP],
  ["127.0.0.1", 80, NONE, SOCK_DGRAM, IPPROTO_TCP],
  ["127.0.0.1", 80, NONE, NONE, 255],
  ["127.0.0.1", 80, NONE, 77],
  ["127.0.0.1", 80, NONE, 3],
  ["127.0.0.1", 80, 99],
  ["127.0.0.1", 80, AF_INET6],
  ["127.0.0.1", 80, AF_INET6, STREAM, NONE, AI_V4MAPPED],
  ["127.0.0.1", 80, NONE, STREAM, NONE, AI_NUMERICHOST],
  ["127.0.0.1", 80, NONE, STREAM, NONE, AI_CANONNAME],
  ["127.0.0.1", 80, NONE, STREAM, NONE, 0x10000],
  ["127.0.0.1", "http"],
  ["127.0.0.1", "www"],
  ["127.0.0.1", "domain"],
  ["127.0.0.1", "syslog"],
  ["127.0.0.1", "domain", NONE, SOCK_DGRAM],
  ["127.0.0.1", "no-such-service"],
  ["127.0.0.1", "http", NONE, STREAM, NONE, AI_NUMERICSERV],
  ["127.0.0.1", "80", NONE, STREAM, NONE, AI_NUMERICSERV],
  ["127.1", 80, NONE, STREAM],
  ["::1", 80, NONE, STREAM],
  ["0:0:0:0:0:0:0:1", 80, NONE, STREAM],
  ["::ffff:127.0.0.1", 80, NONE, STREAM],
  ["fe80::1%7", 80, NONE, STREAM],
  ["::1", 80, AF_INET],
  [null, 80],
  [null, 80, AF_INET, STREAM],
  [null, 80, NONE, STREAM, NONE, AI_PASSIVE],
  [null, null],
  [null, null, 99],
  [null, "", NONE, STREAM],
  ["", 80],
  ["", "no-such-service"],
  ["localhost", 80, AF_INET, STREAM],
  ["localhost", 80, NONE, STREAM, NONE, AI_NUMERICHOST],
];

const NAMEINFO: readonly [sockaddr: readonly (string | number)[], flags: number][] = [
  [["127.0.0.1", 80], 0],
  [["127.0.0.1", 80], NI_NUMERICHOST],
  [["127.0.0.1", 80], NI_NUMERICSERV],
  [["127.0.0.1", 80], NUMERIC],
  [["127.0.0.1", 9999], NI_NAMEREQD],
  [["127.0.0.1", 514], 0],
  [["127.0.0.1", 514], NI_DGRAM],
  [["127.0.0.1", 80], NI_NUMERICHOST | NI_NAMEREQD],
  [["127.0.0.1", 80], 0x10000],
  [["192.0.2.1", 80], NUMERIC],
  [["::1", 80], NUMERIC],
  [["0:0:0:0:0:0:0:1", 80, 0, 0], NUMERIC],
  [["no address", 80], 0],
];

/** What CPython on this machine answers; an error is its number. */
const PYTHON = `
import json, socket, sys
def ask(f, args):
    try: return f(*args)
    except socket.gaierror as error: return error.errno
infos, names = json.load(sys.stdin)
names = [(tuple(address), flags) for address, flags in names]
print(json.dumps([[ask(socket.getaddrinfo, q) for q in infos], [ask(socket.getnameinfo, q) for q in names]]))
`;

function pythonsAnswers(): [unknown[], unknown[]] | null {
  const input = JSON.stringify([ADDRINFO, NAMEINFO]);
  const { status, stdout } = spawnSync("python3", ["-c", PYTHON], { input, encoding: "utf8" });
  return status === 0 ? JSON.parse(stdout) : null;
}

const answers = pythonsAnswers();
const python = { skip: answers === null && "there is no python3" };

async function answer(question: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof gaierror) return error.errno;
    throw error;
  }
}

function addrinfo(loop: EventLoop, [host, port, ...numbers]: Question) {
  const [family = 0, type = 0, proto = 0, flags = 0] = numbers;
  return loop.getaddrinfo(host, port, { family, type, proto, flags });
}

describe("getaddrinfo", () => {
  inEachBackend(
    "answers as CPython does",
    async ({ loop }) => {
      for (const [i, question] of ADDRINFO.entries()) {
        const given = await answer(() => addrinfo(loop, question));
        assert.deepEqual(given, answers![0][i], JSON.stringify(question));
      }
    },
    python,
  );

  for (const { name, skip, makeLoop } of backends) {
    for (const { name: flavour, on, body } of flavours) {
      test(`is for both flavours (${flavour}, ${name})`, { skip }, async () => {
        using loop = makeLoop();
        function* main(): Steps<void> {
          const options: GetaddrinfoOptions = { type: SOCK_STREAM, family: AF_INET };
          const [first] = yield* on(loop.getaddrinfo("localhost", 7, options));
          assert.deepEqual(first, [AF_INET, SOCK_STREAM, IPPROTO_TCP, "", ["127.0.0.1", 7]]);
          assert.deepEqual(yield* on(loop.getnameinfo(first![4], NUMERIC)), ["127.0.0.1", "7"]);
        }
        await loop.runUntilComplete(body(main));
      });
    }
  }

  inEachBackend("does not hold up the loop, and can be cancelled", async ({ loop }) => {
    const task = createTask(loop.getaddrinfo("localhost", 80));
    loop.callSoon(() => task.cancel());
    await assert.rejects(task, CancelledError);
  });

  inEachBackend("an unknown name is a gaierror that says which", async ({ loop }) => {
    for (const host of ["no-such-host.invalid", "a\0b", "a".repeat(300)]) {
      const error = await failure(loop.getaddrinfo(host, 80), gaierror);
      // EAI_AGAIN where there is no name server to ask.
      assert.match(error.code, /^EAI_(NONAME|AGAIN|FAIL)$/);
      assert.ok(error.message.includes(host), error.message);
      assert.equal(error.syscall, "getaddrinfo");
    }
  });

  inEachBackend("arguments that make no sense are errors at the call", async ({ loop }) => {
    for (const host of [7, undefined, {}]) {
      assert.throws(() => loop.getaddrinfo(host as never, 80), TypeError);
    }
    assert.throws(() => loop.getaddrinfo("localhost", {} as never), TypeError);
    for (const port of [-1, 65536, 1.5, Number.NaN, "65536", "-1"]) {
      assert.throws(() => loop.getaddrinfo("localhost", port), ValueError);
    }
    assert.throws(() => loop.getaddrinfo("localhost", 80, { flags: AI_CANONNAME }), NotImplementedError);
  });

  inEachBackend("debug mode tells how long it takes", async ({ loop, defer }) => {
    const said: string[] = [];
    const note = (message: string) => void said.push(message);
    const quiet = () => {};
    setLogger({ debug: note, info: note, warn: quiet, error: quiet });
    defer(() => setLogger(null));
    loop.setDebug(true);
    await loop.getaddrinfo("127.0.0.1", 80);
    assert.match(said.join(), /Getting address info of 127\.0\.0\.1:80 took \d+\.\d{3} ms/);
  });
});

describe("getnameinfo", () => {
  inEachBackend(
    "answers as CPython does",
    async ({ loop }) => {
      for (const [i, [sockaddr, flags]] of NAMEINFO.entries()) {
        const given = await answer(() => loop.getnameinfo(sockaddr as unknown as Address, flags));
        assert.deepEqual(given, answers![1][i], JSON.stringify([sockaddr, flags]));
      }
    },
    python,
  );

  inEachBackend("keeps the scope of an address", async ({ loop }) => {
    const [host] = await loop.getnameinfo(["fe80::1", 80, 0, 7], NUMERIC);
    assert.equal(host, "fe80::1%7");
    assert.equal(isIP(host.split("%")[0]!), 6);
  });

  inEachBackend("arguments that make no sense are errors at the call", async ({ loop }) => {
    for (const bad of ["a path", ["127.0.0.1"], ["127.0.0.1", 80, 0, 0], [null, 80], [1, 2, 3], null]) {
      assert.throws(() => loop.getnameinfo(bad as never), TypeError);
    }
    assert.throws(() => loop.getnameinfo(["127.0.0.1", -1]), ValueError);
    assert.throws(() => loop.getnameinfo(["127.0.0.1", 80], NI_NOFQDN), NotImplementedError);
  });
});
