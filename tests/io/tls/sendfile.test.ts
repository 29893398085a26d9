import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { CancelledError, createTask, SendfileNotAvailableError } from "../../../src/index.ts";
import { failure, idle, inEachBackend } from "../backends.ts";
import { pattern } from "../recorder.ts";
import { opensslSkip } from "./certificates.ts";
import { tlsRecorders } from "./support.ts";

const bytes = pattern(16 * 1024 * 1024);
const folder = mkdtempSync(join(tmpdir(), "tls-sendfile-"));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "bytes");
writeFileSync(path, bytes);

/** More than the kernel's buffers can grow to hold, while nobody reads. */
const many = Buffer.concat([bytes, bytes, bytes, bytes]);
const largePath = join(folder, "many-bytes");
writeFileSync(largePath, many);

describe("sendfile over TLS", { skip: opensslSkip }, () => {
  inEachBackend("reads, encrypts and writes the file", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    const fd = openSync(path, "r");
    bench.defer(() => closeSync(fd));
    await failure(bench.loop.sendfile(left.transport, fd, { fallback: false }), SendfileNotAvailableError);
    assert.equal(await bench.loop.sendfile(left.transport, fd), bytes.length);
    assert.ok((await right.receives(bytes.length)).equals(bytes));
  });

  inEachBackend("when it is cancelled, the connection goes on", async (bench) => {
    const [left, right] = await tlsRecorders(bench);
    right.transport.pauseReading();
    const fd = openSync(largePath, "r");
    bench.defer(() => closeSync(fd));
    const task = createTask(bench.loop.sendfile(left.transport, fd));
    for (let i = 0; i < 10; i++) await idle();
    task.cancel();
    await failure(task, CancelledError);
    left.transport.write("END");
    left.transport.close();
    right.transport.resumeReading();
    await right.called("connectionLost");
    assert.equal(String(right.received.subarray(-3)), "END");
    assert.ok(right.received.subarray(0, -3).equals(many.subarray(0, right.size - 3)));
  });
});
