import assert from "node:assert/strict";
import { test } from "node:test";
import { EventLoop, NotImplementedError, type Socket } from "../../../src/index.ts";

test("the portable backend has no sockets to call on, and names the way out", () => {
  const loop = new EventLoop({ backend: "portable" });
  const sock = {} as Socket;
  const calls: Record<string, () => unknown> = {
    sockRecv: () => loop.sockRecv(sock, 1),
    sockRecvInto: () => loop.sockRecvInto(sock, new Uint8Array(1)),
    sockRecvfrom: () => loop.sockRecvfrom(sock, 1),
    sockRecvfromInto: () => loop.sockRecvfromInto(sock, new Uint8Array(1)),
    sockSendall: () => loop.sockSendall(sock, "x"),
    sockSendto: () => loop.sockSendto(sock, "x", ["127.0.0.1", 1]),
    sockConnect: () => loop.sockConnect(sock, ["127.0.0.1", 1]),
    sockAccept: () => loop.sockAccept(sock),
    sockSendfile: () => loop.sockSendfile(sock, 0),
  };
  for (const [name, call] of Object.entries(calls)) {
    assert.throws(call, (error: Error) => {
      assert.ok(error instanceof NotImplementedError);
      assert.match(error.message, RegExp(`^${name}\\(\\) is not possible on the portable backend`));
      const alternative = /use loop\.(\w+).*, or the native backend/.exec(error.message)?.[1];
      assert.equal(typeof (loop as unknown as Record<string, unknown>)[alternative!], "function");
      return true;
    });
  }
  loop.close();
});
