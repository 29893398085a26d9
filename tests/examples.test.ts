import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { names } from "../examples/examples.ts";
import { nativeAvailable } from "../src/io/native/libc.ts";

const DATE = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

const HELLO_WORLD = ["hello, after 1 s", "world, after 2 s", String.raw`both done in 2\.\d s`];

/** What each example prints, a regular expression for each line. */
const OUTPUT: Record<(typeof names)[number], string[]> = {
  hello: HELLO_WORLD,
  generators: HELLO_WORLD,
  echo: [
    String.raw`server got   "Hello, world!\\n"`,
    String.raw`client got   "Hello, world!\\n"`,
    String.raw`server got   "你好，世界！\\n"`,
    String.raw`client got   "你好，世界！\\n"`,
    "connection closed",
  ],
  chat: [
    String.raw`\* sloth is here`,
    String.raw`\* ann is here`,
    "ann: hello, everybody",
    String.raw`\* sloth was too slow`,
    String.raw`\* ann has left`,
  ],
  proxy: [
    String.raw`client got "HELLO\\n"`,
    String.raw`client got "THROUGH THE PROXY\\n"`,
    "proxy: both sides have ended",
    "proxy: closed",
  ],
  queue: [
    "worker 2 slept for 0.1 s",
    "worker 2 slept for 0.1 s",
    "worker 1 slept for 0.3 s",
    "worker 2 slept for 0.2 s",
    "all jobs done",
  ],
  gather: [
    String.raw`Task A: compute factorial\(2\), currently i=2\.\.\.`,
    String.raw`Task B: compute factorial\(3\), currently i=2\.\.\.`,
    String.raw`Task C: compute factorial\(4\), currently i=2\.\.\.`,
    String.raw`Task A: factorial\(2\) = 2`,
    String.raw`Task B: compute factorial\(3\), currently i=3\.\.\.`,
    String.raw`Task C: compute factorial\(4\), currently i=3\.\.\.`,
    String.raw`Task B: factorial\(3\) = 6`,
    String.raw`Task C: compute factorial\(4\), currently i=4\.\.\.`,
    String.raw`Task C: factorial\(4\) = 24`,
    String.raw`\[ 2, 6, 24 \]`,
  ],
  timeout: ["eternity was cancelled, and could clean up", "timeout!"],
  callbacks: [DATE, DATE, DATE],
  "add-reader": ["received: abc"],
  "udp-echo": [
    'server got   "Hello, world!"',
    'client got   "Hello, world!"',
    'server got   ""',
    'client got   ""',
  ],
  "sendfile-server": ["server sent 4 bytes", 'client got  "open"'],
  "http-files": [
    "GET /hello.txt",
    String.raw`  200 "Hello, web!\\n"`,
    "GET /hello.txt, Range: bytes=7-9",
    '  206 "web"',
    "GET /hello.txt, If-Modified-Since: .* GMT",
    '  304 ""',
    "GET /nothing.txt",
    '  404 ""',
  ],
  shell: [
    String.raw`\[ls examples/shell\.ts exited with 0\]`,
    String.raw`\[stdout\]`,
    String.raw`examples/shell\.ts`,
    String.raw`\[ls /zzz .* exit 2 exited with 2\]`,
    String.raw`\[stderr\]`,
    "zzz",
  ],
  pipeline: ["different lines: 2", "exited with 0", "exited with 0", "exited with 0"],
  supervisor: [
    String.raw`flaky: failed with 7, once more in 0\.05 s`,
    String.raw`flaky: failed with 7, once more in 0\.1 s`,
    "flaky: done at attempt 3",
    String.raw`killed: failed with -9, once more in 0\.05 s`,
    "killed: done at attempt 2",
    "endless: stopped, with its process",
  ],
  executors: ["default thread pool: 100", "custom thread pool: 100", "custom process pool: [0-9a-f]{8}"],
  serve: ["all of them answered: true", "by more than two processes: true"],
  threads: ["called from a thread", "the thread got 9, and cancelled the rest"],
  "unix-echo": [
    String.raw`connected to .*unix-echo-\w+/socket`,
    String.raw`client got   "Hello, neighbour!\\n"`,
    "the socket's file is gone",
  ],
  "tls-echo": [
    "client speaks TLSv1.3",
    String.raw`client got    "Hello, secret world!\\n"`,
    "a client that was not given the certificate throws SSLCertVerificationError",
  ],
};

const NO_ADD_READER = ["not on this machine: .*addReader.*"];

async function runExample(
  file: string,
  args: string[],
  backend: string,
  more: NodeJS.ProcessEnv = {},
): Promise<string> {
  const env = { ...process.env, ASYNCIO_BACKEND: backend, ...more };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [`examples/${file}`, ...args], {
    env,
  });
  assert.equal(stderr, "");
  return stdout;
}

function expected(name: (typeof names)[number], backend: string): RegExp {
  const lines = name === "add-reader" && backend === "portable" ? NO_ADD_READER : OUTPUT[name];
  return new RegExp(lines.map((line) => `${line}\n`).join(""));
}

for (const backend of ["native", "portable"]) {
  const native = nativeAvailable();
  const skip = backend === "native" && !native.available && native.reason;

  test(`each example prints what it should (${backend})`, { skip, concurrency: true }, async (t) => {
    const runs = names.map((name) =>
      t.test(name, async () => {
        const output = await runExample("run.ts", [name], backend);
        assert.match(output, new RegExp(`^${expected(name, backend).source}$`));
      }),
    );
    await Promise.all(runs);
  });

  test(`the tour runs all of them in one process, each under its title (${backend})`, { skip }, async () => {
    const output = await runExample("tour.ts", [], backend);
    for (const name of names) {
      assert.match(
        output,
        new RegExp(String.raw`── .* \(examples/${name}\.ts\)\n\n${expected(name, backend).source}\n`),
      );
    }
  });
}

test("an example that does not exist is named, with those that do", async () => {
  await assert.rejects(
    runExample("run.ts", ["nonsense"], "portable"),
    (error: { code: number; stderr: string }) => error.code === 2 && /one of: hello, echo/.test(error.stderr),
  );
});

test("tls-echo says what it misses where there is no openssl", async () => {
  const output = await runExample("run.ts", ["tls-echo"], "portable", { PATH: "/nowhere" });
  assert.match(output, /^not on this machine: .*openssl, which is not installed\n$/);
});
