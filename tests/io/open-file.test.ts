import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Coroutine, OSError, run, ValueError } from "../../src/index.ts";
import { FileReader, fileDescriptor } from "../../src/io/open-file.ts";
import { failure } from "./backends.ts";

const folder = mkdtempSync(join(tmpdir(), "open-file-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "file");
writeFileSync(path, "0123456789");

/** The next bytes of a reader, for an async function. */
function nextOf(reader: FileReader, size: number): Coroutine<Buffer> {
  return new Coroutine(() => reader.next(size), "next");
}

test("a file is an fd, or what has one", () => {
  assert.equal(fileDescriptor(7), 7);
  assert.equal(fileDescriptor({ fd: 7 }), 7);
  assert.equal(fileDescriptor({ fileno: () => 7 }), 7);
  for (const nonsense of ["7", null, undefined, {}, 0.5, { fd: "7" }, { fd: null }]) {
    assert.throws(() => fileDescriptor(nonsense as never), TypeError);
  }
});

test("a closed file is a ValueError", async () => {
  const handle = await open(path);
  await handle.close();
  assert.throws(() => fileDescriptor(handle), ValueError);
  assert.throws(() => fileDescriptor(-1), ValueError);
});

test("a FileReader reads on from its offset, up to the end, and leaves the file's position", async () => {
  await run(async () => {
    const fd = openSync(path, "r");
    const reader = new FileReader(fd, 3);
    assert.equal(String(await nextOf(reader, 4)), "3456");
    assert.equal(String(await nextOf(reader, 4)), "789");
    assert.equal(String(await nextOf(reader, 4)), "");
    assert.equal(String(await nextOf(new FileReader(fd, 0), 2)), "01");
    closeSync(fd);
  });
});

test("what the system refuses is an OSError", async () => {
  await run(async () => {
    const fd = openSync(folder, "r");
    assert.equal((await failure(nextOf(new FileReader(fd, 0), 1), OSError)).code, "EISDIR");
    closeSync(fd);
    assert.equal((await failure(nextOf(new FileReader(fd, 0), 1), OSError)).code, "EBADF");
  });
});

test("a file that is closed while it is read is a ValueError", async () => {
  await run(async () => {
    const fd = openSync(path, "r");
    closeSync(fd);
    const numbers = [fd, -1];
    const file = { fileno: () => numbers.shift()! };
    await failure(nextOf(new FileReader(file, 0), 1), ValueError);
  });
});
