import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { nativeSkip } from "./backends.ts";

const INDEX = JSON.stringify(new URL("../../src/index.ts", import.meta.url).href);

/** What each flavour calls the same thing. The streams are Node's on each backend, so that not all pairs are needed. */
const WORLDS = [
  { flavour: "async", main: "async () =>", on: "await", backend: "native" },
  { flavour: "generator", main: "function* ()", on: "yield*", backend: "portable" },
] as const;

interface World {
  readonly backend: string;
  /** The arguments of a Node that runs a program, in which MAIN and ON stand for what the flavour writes. */
  program(source: string): string[];
}

/** Register a test per flavour. */
function inEachWorld(name: string, body: (world: World, t: TestContext) => Promise<void> | void): void {
  for (const { flavour, main, on, backend } of WORLDS) {
    const skip = backend === "native" && nativeSkip;
    test(`${name} (${flavour}, ${backend})`, { skip, timeout: 60_000 }, (t) => {
      const program = (source: string) => [
        "--input-type=module",
        "--eval",
        `const { run, openStdin, openStdout, openStderr } = await import(${INDEX});\n` +
          source.replaceAll("MAIN", main).replaceAll("ON", on),
      ];
      return body({ backend, program }, t);
    });
  }
}

function start({ backend, program }: World, t: TestContext, source: string, stdio: unknown[]): ChildProcess {
  const env = { ...process.env, ASYNCIO_BACKEND: backend };
  const child = spawn(process.execPath, program(source), { stdio: stdio as "pipe"[], env });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Through a shell, so that the standard streams are what the shell makes of them. */
function shell({ backend, program }: World, source: string, around: (node: string) => string) {
  const env = { ...process.env, ASYNCIO_BACKEND: backend, NODE: process.execPath };
  const args = program(source).map((arg) => `'${arg.replaceAll("'", "'\\''")}'`);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", around(`"$NODE" ${args.join(" ")}`)], {
    env,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

const COUNT_LINES = `
  await run(MAIN {
    const reader = ON openStdin();
    let count = 0;
    while ((ON reader.readline()).length > 0) count++;
    console.log(count);
  });`;

describe("the standard streams", () => {
  inEachWorld("lines are read from a socket, as Node's child processes have it", async (world, t) => {
    const child = start(world, t, COUNT_LINES, ["pipe", "pipe", "inherit"]);
    child.stdin!.end("one\ntwo\nthree");
    assert.equal(await text(child.stdout!), "3\n");
  });

  inEachWorld("lines are read from a pipe, a file and nothing at all", (world) => {
    const from = (around: (node: string) => string) => shell(world, COUNT_LINES, around);
    const lines = (stdout: string) => ({ status: 0, stdout, stderr: "" });
    assert.deepEqual(
      from((node) => `printf 'one\\ntwo\\n' | ${node}`),
      lines("2\n"),
    );
    assert.deepEqual(
      from((node) => `${node} < /dev/null`),
      lines("0\n"),
    );
    const counted = from((node) => `${node} < ${import.meta.filename}`);
    assert.ok(Number(counted.stdout) > 100, counted.stderr);
  });

  inEachWorld("a program that does not read to the end ends all the same", async (world, t) => {
    const source = `
      await run(MAIN {
        const reader = ON openStdin();
        console.log((ON reader.readline()).toString().trim());
      });`;
    const child = start(world, t, source, ["pipe", "pipe", "inherit"]);
    child.stdin!.write("one\ntwo\n");
    assert.equal(await text(child.stdout!), "one\n");
    const [status] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    assert.equal(status, 0);
  });

  inEachWorld("stdin can be opened once per loop, and again in the next", async (world, t) => {
    const source = `
      await run(MAIN {
        const reader = ON openStdin();
        try { ON openStdin(); } catch (error) { console.log(error.name); }
        console.log((ON reader.readline()).toString().trim());
      });
      await run(MAIN {
        console.log("ready");
        console.log((ON (ON openStdin()).read()).toString().trim());
      });`;
    const child = start(world, t, source, ["pipe", "pipe", "inherit"]);
    child.stdin!.write("first\n");
    child.stdout!.setEncoding("utf8");
    let output = "";
    for await (const chunk of child.stdout!) {
      output += chunk;
      if (output.endsWith("ready\n")) child.stdin!.end("second\n");
    }
    assert.equal(output, "RuntimeError\nfirst\nready\nsecond\n");
  });

  inEachWorld("stdout waits for a slow reader, and closing it sends all", async (world, t) => {
    const source = `
      await run(MAIN {
        const [writer, errors] = [ON openStdout(), ON openStderr()];
        let waits = 0;
        for (let i = 0; i < 64; i++) {
          writer.write(new Uint8Array(65536).fill(65 + (i % 26)));
          if (writer.transport.getWriteBufferSize() > 65536 && waits++ === 0) errors.write("waiting");
          ON writer.drain();
        }
        writer.close();
        ON writer.waitClosed();
        errors.close();
      });`;
    const child = start(world, t, source, ["ignore", "pipe", "pipe"]);
    assert.equal(String((await once(child.stderr!, "data"))[0]), "waiting");
    const all = await text(child.stdout!);
    assert.equal(all.length, 64 * 65536);
    assert.deepEqual([all.at(65535), all.at(65536)], ["A", "B"]);
  });

  inEachWorld("stdout keeps the order with console.log, and stays open when it is closed", (world) => {
    const source = `
      await run(MAIN {
        console.log("one");
        const writer = ON openStdout();
        writer.write("two\\n");
        console.log("three");
        writer.write("four\\n");
        writer.close();
        ON writer.waitClosed();
        console.log("five");
      });
      console.log("six");`;
    const all = "one\ntwo\nthree\nfour\nfive\nsix\n";
    assert.equal(shell(world, source, (node) => `${node} | cat`).stdout, all);
    assert.equal(shell(world, source, (node) => node).stdout, all);
  });

  inEachWorld("drain tells that nobody reads from stdout any more", (world) => {
    const source = `
      await run(MAIN {
        const writer = ON openStdout();
        try {
          for (;;) {
            writer.write("y\\n".repeat(100_000));
            ON writer.drain();
          }
        } catch (error) {
          console.error(error.name);
        }
      });`;
    const { stdout, stderr } = shell(world, source, (node) => `${node} | head -n 1`);
    assert.equal(stdout, "y\n");
    assert.match(stderr, /^(BrokenPipe|ConnectionReset)Error\n$/);
  });

  inEachWorld("a terminal is read and written, and stays as it was", (world, t) => {
    const missing = spawnSync("sh", ["-c", "command -v script && command -v python3"]).status !== 0;
    if (missing) return t.skip("there is no script(1), or no python3");
    const source = `
      await run(MAIN {
        const [reader, writer] = [ON openStdin(), ON openStdout()];
        writer.write("got " + (ON reader.readline()));
        writer.close();
        ON writer.waitClosed();
      });`;
    const flags = (when: string) =>
      `python3 -c 'import os; os.write(2, b"${when} %d %d;" % (os.get_blocking(0), os.get_blocking(1)))'`;
    const { stdout } = shell(world, source, (node) => {
      const inside = `${flags("before")}; ${node}; ${flags("after")}`;
      return `export INSIDE; INSIDE=$(cat <<'END'\n${inside}\nEND\n)\necho hello | script -qec 'sh -c "$INSIDE"' /dev/null`;
    });
    assert.match(stdout, /got hello/);
    assert.match(stdout, /before 1 1;[\s\S]*after 1 1;/);
  });
});
