import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { BaseTransport, ReadTransport, Transport, WriteTransport } from "../../src/index.ts";
import { backends } from "./backends.ts";
import { makePipe, pipesSkip } from "./pipes-support.ts";
import { Recorder } from "./recorder.ts";
import { FakeTransport } from "./streams-support.ts";

test("a Transport is a ReadTransport and a WriteTransport", () => {
  const transport: unknown = new FakeTransport();
  for (const Class of [BaseTransport, ReadTransport, WriteTransport, Transport, FakeTransport]) {
    assert.ok(transport instanceof Class, Class.name);
  }
});

test("nothing else is a ReadTransport, nor a class below it", () => {
  abstract class Special extends ReadTransport {}
  const special: unknown = Object.create(Special.prototype);
  assert.ok(special instanceof Special && special instanceof ReadTransport);
  assert.ok(!(special instanceof WriteTransport) && !(special instanceof Transport));
  const transport: unknown = new FakeTransport();
  assert.ok(!(transport instanceof Special));
  for (const other of [{}, null, undefined, 7, Object.create(WriteTransport.prototype)] as unknown[]) {
    assert.ok(!(other instanceof ReadTransport));
  }
});

for (const { name, skip, makeLoop } of backends) {
  test(`in debug mode, pipes that nobody closed are warned of (${name})`, {
    skip: skip || pipesSkip,
  }, async () => {
    const cleanUps: (() => unknown)[] = [];
    const loop = makeLoop();
    loop.setDebug(true);
    const ends = makePipe({ defer: (cleanUp) => cleanUps.push(cleanUp) });
    await loop.runUntilComplete(async () => {
      await loop.connectReadPipe(() => new Recorder(loop), ends.reader);
      await loop.connectWritePipe(() => new Recorder(loop), ends.writer);
    });
    const said: string[] = [];
    const note = (warning: Error) => void said.push(warning.message);
    process.on("warning", note);
    loop.close();
    while (said.length < 2) await once(process, "warning");
    process.off("warning", note);
    assert.match(said.join("\n"), /unclosed transport <ReadPipeTransport open/);
    assert.match(said.join("\n"), /unclosed transport <WritePipeTransport open/);
    for (const cleanUp of cleanUps) cleanUp();
  });
}
