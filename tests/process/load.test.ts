import assert from "node:assert/strict";
import { createSubprocessExec, createSubprocessShell, createTask, gather, PIPE } from "../../src/index.ts";
import { children, inEachWorld, openFiles } from "./support.ts";

const MEBIBYTE = 1024 * 1024;
const ALL = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;

inEachWorld("2,000 processes one after another leave nothing", function* ({ on, backend, name }) {
  const before = openFiles();
  // All of them in one world, for they take seconds.
  const count = backend === "native" && name === "async" ? 2000 : 200;
  for (let i = 0; i < count; i++) {
    const process = yield* on(createSubprocessExec("true", ALL));
    assert.equal(yield* on(process.wait()), 0);
    yield* on(process.communicate());
  }
  assert.deepEqual(children(), []);
  assert.ok(openFiles() <= before + 3, `${openFiles()} files are open, ${before} were`);
});

inEachWorld("200 processes at once are told apart", function* ({ on, coroutine }) {
  const echo = coroutine(function* (n: number) {
    const process = yield* on(createSubprocessExec("cat", ALL));
    const [out] = yield* on(process.communicate(String(n)));
    return Number(String(out));
  });
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  assert.deepEqual(yield* on(gather(...numbers.map((n) => createTask(echo(n))))), numbers);
});

inEachWorld("100 MiB go through a process and back", function* ({ on }) {
  const input = Buffer.alloc(100 * MEBIBYTE, "0123456789abcdef\n");
  const before = process.memoryUsage().rss;
  const cat = yield* on(createSubprocessExec("cat", { stdin: PIPE, stdout: PIPE }));
  const [out] = yield* on(cat.communicate(input));
  assert.ok(out!.equals(input));
  const grown = (process.memoryUsage().rss - before) / MEBIBYTE;
  assert.ok(grown < 450, `${grown} MiB for 100`);
});

inEachWorld(
  "a process that writes to both pipes more than they take is heard to the end",
  function* ({ on }) {
    const command = "head -c 3000000 /dev/zero >&2; head -c 2000000 /dev/zero";
    const process = yield* on(createSubprocessShell(command, ALL));
    const [out, err] = yield* on(process.communicate());
    assert.deepEqual([out!.length, err!.length], [2_000_000, 3_000_000]);
  },
);
