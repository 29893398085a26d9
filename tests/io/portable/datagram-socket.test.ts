import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  type CreateDatagramEndpointOptions,
  EventLoop,
  IPPROTO_UDP,
  NotImplementedError,
} from "../../../src/index.ts";
import { failure } from "../backends.ts";
import { DatagramRecorder } from "../datagram-recorder.ts";

const NATIVE = /; use the native backend \(Linux, with koffi installed\)$/;

async function attempt(options: CreateDatagramEndpointOptions): Promise<void> {
  const loop = new EventLoop({ backend: "portable" });
  try {
    await loop.runUntilComplete(loop.createDatagramEndpoint(() => new DatagramRecorder(loop), options));
  } finally {
    loop.close();
  }
}

const impossible: [what: string, CreateDatagramEndpointOptions, RegExp][] = [
  ["unix datagrams", { localAddr: "/tmp/x", family: AF_UNIX }, /^unix datagrams are not possible/],
  ["another protocol than UDP", { family: AF_INET, proto: 136 }, /^protocol 136 is not possible/],
  ["a descriptor alone", { sock: { fileno: () => 0 } }, /^a descriptor without its `family` is not possible/],
];

for (const [what, options, reason] of impossible) {
  test(`${what}: impossible, with the reason and the way out`, async () => {
    const error = await failure(attempt(options), NotImplementedError);
    assert.match(error.message, reason);
    assert.match(error.message, NATIVE);
  });
}

test("UDP by its number", async () => {
  await attempt({ localAddr: ["127.0.0.1", 0], proto: IPPROTO_UDP });
});
