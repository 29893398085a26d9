import assert from "node:assert/strict";
import { closeSync, readdirSync, readFileSync } from "node:fs";
import { describe, type TestContext } from "node:test";
import { ensureFuture, sleep, socketpair } from "../../../src/index.ts";
import { makePipe, readFd } from "../pipes-support.ts";
import { fill, pattern, Recorder } from "../recorder.ts";
import { inEachFlavourNatively } from "./flavoured.ts";

const EPOLLOUT = 4;

/** Whether an epoll set of this process waits until `fd` can be written to, as the kernel has it. */
function waitsToWrite(fd: number): boolean {
  const watched = new RegExp(`^tfd:\\s+${fd} events:\\s+([0-9a-f]+)`, "gm");
  return readdirSync("/proc/self/fdinfo").some((name) =>
    Array.from(infoOf(name).matchAll(watched)).some(([, events]) => Number.parseInt(events!, 16) & EPOLLOUT),
  );
}

function infoOf(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
  } catch {
    // That of the directory, closed by now.
    return "";
  }
}

const cleanedUp = (t: TestContext) => ({ defer: (cleanUp: () => unknown) => t.after(() => void cleanUp()) });

describe("who has nothing to send", () => {
  inEachFlavourNatively(
    "does not have the kernel tell when a pipe could take it: the loop would spin",
    function* ({ on, loop, t }) {
      const { reader, writer } = makePipe(cleanedUp(t));
      const read = (size?: number) => on(ensureFuture(readFd(reader, size)));
      const recorder = new Recorder(loop);
      const [transport] = yield* on(loop.connectWritePipe(() => recorder, writer));
      assert.equal(waitsToWrite(writer), false);
      const { length } = fill(recorder);
      assert.equal(waitsToWrite(writer), true);
      for (let size = 0; size < length; ) size += (yield* read()).length;
      assert.equal(transport.getWriteBufferSize(), 0);
      assert.equal(waitsToWrite(writer), false);
      // All at once, without a buffer.
      transport.write("x");
      assert.equal(waitsToWrite(writer), false);
      transport.write(pattern(1 << 20));
      assert.equal(waitsToWrite(writer), true);
      transport.abort();
      assert.equal(waitsToWrite(writer), false);
      yield* on(ensureFuture(recorder.called("connectionLost")));
      closeSync(reader);
    },
  );

  inEachFlavourNatively("does not have it told of a socket either", function* ({ on, loop }) {
    const [left, right] = socketpair();
    const [writer, reader] = [new Recorder(loop), new Recorder(loop)];
    const fd = left.fileno();
    yield* on(loop.createUnixConnection(() => writer, null, { sock: left }));
    const sent = fill(writer);
    assert.equal(waitsToWrite(fd), true);
    yield* on(loop.createUnixConnection(() => reader, null, { sock: right }));
    assert.ok((yield* on(ensureFuture(reader.receives(sent.length)))).equals(sent));
    assert.equal(waitsToWrite(fd), false);
    writer.transport.writelines(["a", "b"]);
    assert.equal(waitsToWrite(fd), false);
    writer.transport.abort();
    yield* on(ensureFuture(reader.called("connectionLost")));
    yield* on(sleep(0));
  });
});
