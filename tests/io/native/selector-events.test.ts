import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync, openSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
  currentTask,
  EventLoop,
  getRunningLoop,
  type OSError,
  Protocol,
  RuntimeError,
  run,
  type Socket,
  sleep,
  socketpair,
  timeout,
  ValueError,
} from "../../../src/index.ts";
import { nativeAvailable } from "../../../src/io/native/libc.ts";

const native = nativeAvailable();
const skip = !native.available && native.reason;

class Quiet extends Protocol {}

type Pair = { loop: EventLoop; near: Socket; far: Socket };

/** Register a test with two connected sockets on a native loop. */
function withPair(sentence: string, body: (pair: Pair) => Promise<void>): void {
  test(sentence, { skip }, async () => {
    const loop = new EventLoop({ backend: "native" });
    const [near, far] = socketpair();
    try {
      await run(() => body({ loop, near, far }), { loopFactory: () => loop });
    } finally {
      near.close();
      far.close();
    }
  });
}

withPair(
  "a reader is called when there is something to read, with its arguments",
  async ({ loop, near, far }) => {
    const received = loop.createFuture<string>();
    loop.addReader(near, (prefix: string) => received.setResult(prefix + near.recv(100)), "got ");
    far.send("abc");
    assert.equal(await received, "got abc");
    assert.equal(loop.removeReader(near), true);
    assert.equal(loop.removeReader(near), false);
  },
);

withPair(
  "a reader is called in each iteration for as long as something is there",
  async ({ loop, near, far }) => {
    const chunks: string[] = [];
    const done = loop.createFuture<void>();
    loop.addReader(near.fileno(), () => {
      chunks.push(near.recv(2).toString());
      if (chunks.length === 3) done.setResult(undefined);
    });
    far.send("aabbcc");
    await done;
    assert.deepEqual(chunks, ["aa", "bb", "cc"]);
    loop.removeReader(near);
  },
);

withPair(
  "a writer is called when the socket takes more, and both directions can be watched",
  async ({ loop, near, far }) => {
    const log: string[] = [];
    const done = loop.createFuture<void>();
    loop.addReader(near, () => {
      log.push(`read ${near.recv(10)}`);
      done.setResult(undefined);
    });
    loop.addWriter(near, () => {
      log.push("writable");
      loop.removeWriter(near);
      far.send("x");
    });
    await done;
    assert.deepEqual(log, ["writable", "read x"]);
    loop.removeReader(near);
  },
);

withPair("a second reader of the same fd replaces the first", async ({ loop, near, far }) => {
  const received = loop.createFuture<string>();
  loop.addReader(near, () => assert.fail("the first reader was called"));
  loop.addReader(near, () => received.setResult(near.recv(10).toString()));
  far.send("x");
  assert.equal(await received, "x");
  loop.removeReader(near);
});

withPair(
  "a reader that is removed in the iteration in which it is due is not called",
  async ({ loop, near, far }) => {
    const [other, otherFar] = socketpair();
    const calls: string[] = [];
    loop.addReader(near, () => {
      calls.push("near");
      loop.removeReader(near);
      loop.removeReader(other);
    });
    loop.addReader(other, () => {
      calls.push("other");
      loop.removeReader(near);
      loop.removeReader(other);
    });
    far.send("x");
    otherFar.send("x");
    await sleep(0.01);
    assert.equal(calls.length, 1);
    other.close();
    otherFar.close();
  },
);

withPair(
  "a closed fd that the system gives out anew is not confused with the old one",
  async ({ loop, near, far }) => {
    const [first, firstFar] = socketpair();
    const fd = first.fileno();
    loop.addReader(first, () => assert.fail("the reader of the closed fd was called"));
    firstFar.send("x");
    loop.removeReader(first);
    first.close();
    const second = near.dup();
    assert.equal(second.fileno(), fd);
    const received = loop.createFuture<string>();
    loop.addReader(second, () => received.setResult(second.recv(10).toString()));
    far.send("y");
    assert.equal(await received, "y");
    loop.removeReader(second);
    second.close();
    firstFar.close();
  },
);

withPair("a watched object that was closed can still be removed, by itself", async ({ loop, near }) => {
  const closed = near.dup();
  loop.addReader(closed, () => {});
  closed.close();
  assert.equal(loop.removeWriter(closed), false);
  assert.equal(loop.removeReader(closed), true);
  assert.throws(() => loop.removeReader(closed), ValueError);
  assert.throws(() => loop.addReader(closed, () => {}), ValueError);
});

/** Two connected sockets, the first of which has a number that `loop` watches for a socket that was closed. */
function withStaleNumber(loop: EventLoop): [next: Socket, far: Socket] {
  const [closed, gone] = socketpair();
  const fd = closed.fileno();
  loop.addReader(closed, () => assert.fail("the reader of the closed fd was called"));
  closed.close();
  const [next, far] = socketpair();
  gone.close();
  assert.equal(next.fileno(), fd);
  return [next, far];
}

withPair(
  "an fd that was closed while it was watched is an error once, then can be watched anew",
  async ({ loop }) => {
    const [next, far] = withStaleNumber(loop);
    assert.throws(
      () => loop.addWriter(next, () => {}),
      (error: OSError) => error.code === "ENOENT",
    );
    assert.equal(loop.removeWriter(next), false);
    assert.equal(loop.removeReader(next), false);
    const received = loop.createFuture<string>();
    loop.addReader(next, () => received.setResult(next.recv(10).toString()));
    far.send("y");
    assert.equal(await received, "y");
    loop.removeReader(next);
    next.close();
    far.close();
  },
);

withPair("a watch on a closed fd is not in the way of a transport with its number", async ({ loop }) => {
  const [sock, far] = withStaleNumber(loop);
  const received = loop.createFuture<string>();
  const lost = loop.createFuture<void>();
  class Receiver extends Protocol {
    override dataReceived(data: Buffer): void {
      received.setResult(String(data));
    }
    override connectionLost(): void {
      lost.setResult(undefined);
    }
  }
  const [transport] = await loop.createConnection(() => new Receiver(), null, null, { sock });
  far.send("z");
  assert.equal(await timeout(10, () => received), "z");
  transport.abort();
  await lost;
  far.close();
});

withPair("an error in a reader is reported, and the loop goes on", async ({ loop, near, far }) => {
  const reported = loop.createFuture<unknown>();
  loop.setExceptionHandler((_loop, { exception }) => reported.setResult(exception));
  loop.addReader(near, () => {
    loop.removeReader(near);
    throw new Error("broken reader");
  });
  far.send("x");
  assert.match(String(await reported), /broken reader/);
});

withPair(
  "a reader is no task, and has the AsyncLocalStorage values of its maker",
  async ({ loop, near, far }) => {
    const storage = new AsyncLocalStorage<string>();
    const seen = loop.createFuture<unknown[]>();
    storage.run("request 1", () => {
      loop.addReader(near, () => {
        loop.removeReader(near);
        seen.setResult([storage.getStore(), currentTask()]);
      });
    });
    far.send("x");
    assert.deepEqual(await seen, ["request 1", null]);
  },
);

withPair("what is no file descriptor is a ValueError that names it", async ({ loop }) => {
  for (const bad of [-1, 1.5, "3", null, {}, { fileno: () => -1 }]) {
    assert.throws(() => loop.addReader(bad as number, () => {}), ValueError);
    assert.throws(() => loop.removeReader(bad as number), ValueError);
  }
  assert.throws(() => loop.addReader("seven" as never, () => {}), /'seven'/);
  assert.throws(() => loop.addReader(0, "no function" as never), /'no function'/);
});

withPair("a closed fd is an OSError, and a regular file one that says why", async ({ loop }) => {
  assert.throws(
    () => loop.addReader(9999, () => {}),
    (error: OSError) => error.code === "EBADF",
  );
  const fd = openSync(import.meta.filename, "r");
  assert.throws(() => loop.addReader(fd, () => {}), /regular file/);
  closeSync(fd);
});

withPair("the fd of a transport cannot be watched by anybody else", async ({ loop, near }) => {
  const [transport] = await loop.createConnection(() => new Quiet(), null, null, { sock: near });
  assert.throws(() => loop.addReader(near, () => {}), RuntimeError);
  assert.throws(() => loop.removeWriter(near), /used by a transport/);
  transport.close();
});

test("a loop with readers gives all its file descriptors back when it closes", { skip }, async () => {
  const countFds = () => readdirSync("/proc/self/fd").length;
  const runOnce = async () => {
    const [near, far] = socketpair();
    const main = async () => getRunningLoop().addReader(near, () => {});
    await run(main, { loopFactory: () => new EventLoop({ backend: "native" }) });
    near.close();
    far.close();
  };
  await runOnce();
  const before = countFds();
  for (let i = 0; i < 50; i++) await runOnce();
  assert.equal(countFds(), before);
});
