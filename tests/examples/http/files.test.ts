import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { inEachBackend } from "../../io/backends.ts";
import { big, curl, fifo, folder, MiB, noCurl, run, serve, small, status } from "./support.ts";

inEachBackend(
  "curl gets a file, its type, length and time; HEAD gets the same without it",
  async (bench) => {
    const [url] = await serve(bench);
    const got = await curl("--include", `${url}/small.txt?query`);
    const [head, body] = got.split("\r\n\r\n");
    assert.equal(body, small);
    assert.match(head!, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(head!, /^Content-Type: text\/plain; charset=utf-8\r$/m);
    assert.match(head!, /^Content-Length: 10\r$/m);
    assert.match(head!, /^Last-Modified: Sat, 29 Feb 2020 12:00:00 GMT\r$/m);
    const asked = await curl("--head", `${url}/small.txt`);
    assert.equal(asked.replace(/^Date.*$/m, ""), `${head}\r\n\r\n`.replace(/^Date.*$/m, ""));
    assert.equal(await curl(`${url}/empty`), "");
    assert.equal(await curl(`${url}/below/`), "index");
    assert.equal(await curl(`${url}/50%25%20%e4%bd%a0%E5%A5%BD.html`), "<p>");
  },
  { skip: noCurl },
);

inEachBackend(
  "curl gets 64 MiB, whole",
  async (bench) => {
    const [url] = await serve(bench);
    const child = spawn("curl", ["--silent", `${url}/big`], { stdio: ["ignore", "pipe", "inherit"] });
    const hash = createHash("sha256");
    for await (const chunk of child.stdout) hash.update(chunk as Buffer);
    assert.equal(hash.digest("hex"), createHash("sha256").update(big).digest("hex"));
  },
  { skip: noCurl },
);

inEachBackend(
  "curl gets ranges of small and big files",
  async (bench) => {
    const [url] = await serve(bench);
    for (const [range, part] of Object.entries({
      "0-0": "0",
      "7-": "789",
      "-3": "789",
      "-99": small,
      "8-99": "89",
    })) {
      assert.equal(await curl("--range", range, `${url}/small.txt`), part, range);
    }
    const answer = await curl("--include", "--range", "2-4", `${url}/small.txt`);
    assert.match(answer, /^HTTP\/1.1 206 .*^Content-Range: bytes 2-4\/10\r$.*\r\n\r\n234$/ms);
    const beyond = await curl("--include", "--range", "10-", `${url}/small.txt`);
    assert.match(beyond, /^HTTP\/1.1 416 .*^Content-Range: bytes \*\/10\r$/ms);
    for (const all of ["0-1,3-4", "4-2", "-", "x"]) {
      assert.equal(await curl("--header", `Range: bytes=${all}`, `${url}/small.txt`), small, all);
    }
    assert.equal(await curl("--range", "1-2", "--header", "If-Range: yesterday", `${url}/small.txt`), small);
    const { stdout } = await run("curl", ["--silent", "--range", "1000000-1199999", `${url}/big`], {
      encoding: "buffer",
      maxBuffer: MiB,
    });
    assert.ok(stdout.equals(big.subarray(1_000_000, 1_200_000)));
  },
  { skip: noCurl },
);

inEachBackend(
  "what curl has already is not sent again",
  async (bench) => {
    const [url] = await serve(bench);
    const since = (date: string) => status("--header", `If-Modified-Since: ${date}`, `${url}/small.txt`);
    assert.equal(await since("Sat, 29 Feb 2020 12:00:00 GMT"), "304");
    assert.equal(await since("Sat, 29 Feb 2020 11:59:59 GMT"), "200");
    assert.equal(await status("--header", "If-Modified-Since: whenever", `${url}/small.txt`), "200");
  },
  { skip: noCurl },
);

inEachBackend(
  "curl uses a connection again, unless either side says no",
  async (bench) => {
    const [url] = await serve(bench);
    const reused = async (...args: string[]) => {
      const { stdout, stderr } = await run("curl", [
        "--verbose",
        ...args,
        `${url}/small.txt`,
        `${url}/nothing`,
      ]);
      assert.equal(stdout, small);
      return /Re-using existing connection/.test(stderr);
    };
    assert.equal(await reused(), true);
    assert.equal(await reused("--header", "Connection: close"), false);
    assert.equal(await reused("--http1.0"), false);
    assert.equal(await reused("--http1.0", "--header", "Connection: keep-alive"), true);
  },
  { skip: noCurl },
);

inEachBackend(
  "nobody gets out of the folder, or is stopped by a FIFO",
  async (bench) => {
    const [url] = await serve(bench);
    const paths = ["../secret", "%2e%2e/secret", "below/../../secret", "below/%2E%2E%2f%2e%2e/secret", "out"];
    paths.push("below/out/secret", `/${folder}/secret`, "/etc/passwd", "", "below", "small.txt/");
    if (fifo) paths.push("fifo");
    for (const path of paths) {
      assert.equal(await status("--path-as-is", `${url}/${path}`), "404", path);
    }
    for (const path of ["%00", "small.txt%00", "%zz", "%ff"]) {
      assert.equal(await status("--path-as-is", `${url}/${path}`), "400", path);
    }
    assert.equal(await curl(`${url}/below/up/small.txt`), small);
  },
  { skip: noCurl },
);

inEachBackend(
  "curl that sends something is told that it must not",
  async (bench) => {
    const [url] = await serve(bench);
    assert.match(
      await curl("--include", "--data", "x".repeat(100_000), `${url}/small.txt`),
      /^HTTP\/1.1 405 .*^Allow: GET, HEAD\r$/ms,
    );
    assert.equal(await status("--request", "GET", "--data", "x", `${url}/small.txt`), "413");
  },
  { skip: noCurl },
);
