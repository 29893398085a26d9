import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { JoinedStreams } from "../../src/io/joined-streams.ts";

test("it reads from one stream and writes to the other", async () => {
  const [source, sink] = [new PassThrough(), new PassThrough()];
  const joined = new JoinedStreams(source, sink);
  const closed = once(joined, "close");
  source.end("in");
  joined.end("out");
  assert.equal(String((await once(joined, "data"))[0]), "in");
  assert.equal(String((await once(sink, "data"))[0]), "out");
  await closed;
  assert.equal(joined.errored, null);
});

test("what the source had read when it broke comes before the error", async () => {
  const source = new PassThrough({ highWaterMark: 1024 * 1024 });
  const joined = new JoinedStreams(source, null);
  const broken = once(joined, "error");
  const chunk = Buffer.alloc(100 * 1024, 1);
  for (let i = 0; i < 8; i++) source.write(chunk);
  joined.read(0);
  await turn();
  assert.ok(source.readableLength > 0, "it was paused before all was read");
  const boom = new Error("boom");
  source.destroy(boom);
  assert.deepEqual(await broken, [boom]);
  assert.equal(joined.readableLength, 8 * chunk.length);
});

test("a stream is left alone when its direction has come to its end, and destroyed before", async () => {
  const [transform, cut] = [new PassThrough(), new PassThrough()];
  const joined = new JoinedStreams(cut, transform);
  joined.end("still to be read");
  await once(joined, "finish");
  joined.destroy();
  assert.equal(cut.destroyed, true);
  assert.equal(transform.destroyed, false);
  assert.equal(String(transform.read()), "still to be read");
});
