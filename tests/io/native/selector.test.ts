import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { OSError, PermissionError, ValueError } from "../../../src/core/errors.ts";
import { libc } from "../../../src/io/native/libc.ts";
import { EpollSelector, EVENT_READ, EVENT_WRITE } from "../../../src/io/native/selector.ts";
import { Socket } from "../../../src/io/native/socket.ts";
import { SHUT_WR, SO_LINGER, SOL_SOCKET } from "../../../src/io/socket-constants.ts";
import { closedAfter, collect, connected, listener, openFiles, pair, ready, skip } from "./support.ts";

const BOTH = EVENT_READ | EVENT_WRITE;
const run = promisify(execFile);

/** What is ready now, as [fd, events], in the order of the fds. */
function select(selector: EpollSelector): [number, number][] {
  const found: [number, number][] = [];
  selector.select((fd, events) => found.push([fd, events]));
  return found.sort(([a], [b]) => a - b);
}

/** A selector and two connected sockets, closed after the test. */
function setup(t: TestContext): [EpollSelector, Socket, Socket] {
  const selector = new EpollSelector();
  t.after(() => selector.close());
  return [selector, ...pair(t)];
}

describe("EpollSelector", { skip }, () => {
  describe("select", () => {
    test("reports nothing where nothing is ready", (t) => {
      const [selector, left] = setup(t);
      assert.deepEqual(select(selector), []);
      selector.register(left.fileno(), EVENT_READ);
      assert.deepEqual(select(selector), []);
    });

    test("reports an fd that can be read, again and again until it is read", (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_READ);
      right.send("x");
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_READ]]);
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_READ]]);
      left.recv(1);
      assert.deepEqual(select(selector), []);
    });

    test("reports an fd that can be written, until it is full", (t) => {
      const [selector, left] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_WRITE]]);
      while (libc().send(left.fileno(), new Uint8Array(100_000), 0, 100_000) > 0);
      assert.deepEqual(select(selector), []);
    });

    test("reports reading and writing at once, and only what was registered", (t) => {
      const [selector, left, right] = setup(t);
      right.send("x");
      selector.register(left.fileno(), BOTH);
      selector.register(right.fileno(), EVENT_READ);
      assert.deepEqual(select(selector), [[left.fileno(), BOTH]]);
    });

    test("reports an end of the stream as readable", (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_READ);
      right.shutdown(SHUT_WR);
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_READ]]);
    });

    for (const [events, name] of [
      [EVENT_READ, "reading"],
      [EVENT_WRITE, "writing"],
      [BOTH, "both"],
    ] as const) {
      test(`reports a hang-up to those who registered for ${name}`, (t) => {
        const [selector, left, right] = setup(t);
        while (libc().send(left.fileno(), new Uint8Array(100_000), 0, 100_000) > 0);
        selector.register(left.fileno(), events);
        assert.deepEqual(select(selector), []);
        right.close();
        assert.deepEqual(select(selector), [[left.fileno(), events]]);
      });

      test(`reports a failed connection to those who registered for ${name}`, async (t) => {
        const [client, peer] = await connected(t);
        using selector = new EpollSelector();
        peer.setsockopt(SOL_SOCKET, SO_LINGER, new Uint8Array(Int32Array.of(1, 0).buffer));
        peer.close();
        await ready(client, EVENT_READ);
        selector.register(client.fileno(), events);
        assert.deepEqual(select(selector), [[client.fileno(), events]]);
      });
    }

    test("reports a refused connection as writable", async () => {
      const gone = listener();
      const address = gone.getsockname();
      gone.close();
      using client = new Socket();
      client.connectEx(address);
      assert.equal(await ready(client, EVENT_WRITE), EVENT_WRITE);
    });

    test("reports a waiting connection as readable", async () => {
      using server = listener();
      using client = new Socket();
      client.connectEx(server.getsockname());
      assert.equal(await ready(server, EVENT_READ), EVENT_READ);
    });

    test("gives the number of reports", (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), BOTH);
      assert.equal(
        selector.select(() => {}),
        1,
      );
      selector.register(right.fileno(), BOTH);
      assert.equal(
        selector.select(() => {}),
        2,
      );
    });

    test("reports more fds than one batch holds in several calls, none left out", (t) => {
      const [selector, left] = setup(t);
      const copies = closedAfter(
        t,
        Array.from({ length: 1500 }, () => left.dup()),
      );
      for (const copy of copies) selector.register(copy.fileno(), EVENT_WRITE);
      const seen = new Set<number>();
      assert.equal(
        selector.select((fd) => seen.add(fd)),
        1024,
      );
      selector.select((fd) => seen.add(fd));
      assert.equal(seen.size, 1500);
    });

    test("does not report an fd that an earlier report unregistered", (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      selector.register(right.fileno(), EVENT_WRITE);
      const seen: number[] = [];
      selector.select((fd) => {
        seen.push(fd);
        selector.unregister(fd === left.fileno() ? right.fileno() : left.fileno());
      });
      assert.equal(seen.length, 1);
    });

    test("does not report the events of a closed fd for a new one of the same number", (t) => {
      const [selector, left, right] = setup(t);
      const sockets = new Map([left, right].map((socket) => [socket.fileno(), socket]));
      for (const fd of sockets.keys()) selector.register(fd, EVENT_WRITE);
      let reports = 0;
      selector.select((fd) => {
        reports++;
        const [other, socket] = [...sockets].find(([number]) => number !== fd)!;
        selector.unregister(other);
        socket.close();
        const fresh = listener();
        t.after(() => fresh.close());
        assert.equal(fresh.fileno(), other);
        selector.register(other, EVENT_WRITE);
      });
      assert.equal(reports, 1);
    });

    test("leaves the rest of a batch to the next call if a report throws", (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      selector.register(right.fileno(), EVENT_WRITE);
      const fail = () => {
        throw new Error("report failed");
      };
      assert.throws(() => selector.select(fail), /report failed/);
      assert.equal(select(selector).length, 2);
    });
  });

  describe("registration", () => {
    test("can be changed and ended", (t) => {
      const [selector, left, right] = setup(t);
      right.send("x");
      selector.register(left.fileno(), EVENT_READ);
      selector.modify(left.fileno(), EVENT_WRITE);
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_WRITE]]);
      selector.modify(left.fileno(), BOTH);
      assert.deepEqual(select(selector), [[left.fileno(), BOTH]]);
      assert.equal(selector.events(left.fileno()), BOTH);
      selector.unregister(left.fileno());
      assert.deepEqual(select(selector), []);
      assert.equal(selector.events(left.fileno()), 0);
      selector.register(left.fileno(), EVENT_READ);
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_READ]]);
    });

    test("twice is a ValueError that names the fd", (t) => {
      const [selector, left] = setup(t);
      const fd = left.fileno();
      selector.register(fd, EVENT_READ);
      assert.throws(() => selector.register(fd, EVENT_WRITE), ValueError);
      assert.throws(() => selector.register(fd, EVENT_WRITE), { message: `fd ${fd} is registered already` });
      assert.equal(selector.events(fd), EVENT_READ);
    });

    test("that is not there cannot be changed or ended: a ValueError names the fd", (t) => {
      const [selector] = setup(t);
      assert.throws(() => selector.modify(5, EVENT_READ), {
        name: "ValueError",
        message: "fd 5 is not registered",
      });
      assert.throws(() => selector.unregister(5), { name: "ValueError", message: "fd 5 is not registered" });
    });

    test("of a closed fd is an EBADF that names it, and leaves nothing behind", (t) => {
      const [selector, left] = setup(t);
      const fd = left.fileno();
      left.close();
      assert.throws(
        () => selector.register(fd, EVENT_READ),
        (error: unknown) => {
          assert.ok(error instanceof OSError);
          assert.equal(error.code, "EBADF");
          assert.equal(error.message, `epoll_ctl EBADF fd ${fd}: Bad file descriptor`);
          return true;
        },
      );
      assert.throws(() => selector.register(-1, EVENT_READ), { code: "EBADF" });
      assert.equal(selector.events(fd), 0);
    });

    test("of a regular file is a PermissionError that says why", (t) => {
      const [selector] = setup(t);
      const fd = openSync(fileURLToPath(import.meta.url), "r");
      t.after(() => closeSync(fd));
      assert.throws(() => selector.register(fd, EVENT_READ), PermissionError);
      assert.throws(() => selector.register(fd, EVENT_READ), {
        code: "EPERM",
        message: new RegExp(`fd ${fd} is a regular file or directory, which epoll cannot watch`),
      });
    });

    test("for no event, or for one that does not exist, is a ValueError", (t) => {
      const [selector, left] = setup(t);
      for (const events of [0, 4, -1, 1.5, Number.NaN]) {
        assert.throws(() => selector.register(left.fileno(), events), ValueError, String(events));
      }
      selector.register(left.fileno(), EVENT_READ);
      assert.throws(() => selector.modify(left.fileno(), 0), ValueError);
    });

    test("can be ended after the fd was closed", (t) => {
      const [selector, left] = setup(t);
      const fd = left.fileno();
      selector.register(fd, EVENT_READ);
      left.close();
      selector.unregister(fd);
      assert.equal(selector.events(fd), 0);
    });
  });

  describe("watch", () => {
    test("wakes when an fd becomes ready while libuv sleeps", async (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_READ);
      const woken = new Promise<void>((resolve) => selector.watch(resolve));
      setImmediate(() => right.send("x"));
      await woken;
      assert.deepEqual(select(selector), [[left.fileno(), EVENT_READ]]);
    });

    test("wakes for what is registered later", async (t) => {
      const [selector, left] = setup(t);
      const woken = new Promise<void>((resolve) => selector.watch(resolve));
      selector.register(left.fileno(), EVENT_WRITE);
      await woken;
    });

    test("wakes in every turn until the fd is served", async (t) => {
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_READ);
      right.send("x");
      let calls = 0;
      await new Promise<void>((resolve) => {
        selector.watch(() => {
          if (++calls === 3) resolve();
        });
      });
      left.recv(1);
      await turn();
      const served = calls;
      for (let i = 0; i < 5; i++) await turn();
      assert.equal(calls, served);
    });

    test("stays silent after unwatch, and can begin again", async (t) => {
      const [selector, left] = setup(t);
      let calls = 0;
      selector.watch(() => calls++);
      selector.unwatch();
      selector.register(left.fileno(), EVENT_WRITE);
      for (let i = 0; i < 5; i++) await turn();
      assert.equal(calls, 0);
      for (let round = 0; round < 3; round++) {
        await new Promise<void>((resolve) => selector.watch(resolve));
        selector.unwatch();
      }
    });

    test("can be ended by its own callback", async (t) => {
      const [selector, left] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      let calls = 0;
      await new Promise<void>((resolve) => {
        selector.watch(() => {
          calls++;
          selector.close();
          resolve();
        });
      });
      for (let i = 0; i < 5; i++) await turn();
      assert.equal(calls, 1);
    });

    test("calls the newest function only", async (t) => {
      const [selector, left] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      let former = 0;
      selector.watch(() => former++);
      await new Promise<void>((resolve) => selector.watch(resolve));
      assert.equal(former, 0);
    });

    test("is not collected while it waits, though nobody else refers to the selector", async (t) => {
      const [, left, right] = setup(t);
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      (() => {
        const selector = new EpollSelector();
        selector.register(left.fileno(), EVENT_READ);
        selector.watch(() => {
          selector.close();
          wake();
        });
      })();
      await collect();
      right.send("x");
      await woken;
    });

    test("makes an error of its callback an uncaught exception", async (t) => {
      const [selector, left] = setup(t);
      selector.register(left.fileno(), EVENT_WRITE);
      process.setUncaughtExceptionCaptureCallback((error) =>
        process.emit("captured" as never, error as never),
      );
      t.after(() => process.setUncaughtExceptionCaptureCallback(null));
      selector.watch(() => {
        selector.unwatch();
        throw new Error("onReady failed");
      });
      const [error] = (await once(process, "captured")) as [Error];
      assert.equal(error.message, "onReady failed");
    });
  });

  describe("in a process of its own", () => {
    const modules = Object.fromEntries(
      ["selector", "socket"].map((name) => [
        name,
        new URL(`../../../src/io/native/${name}.ts`, import.meta.url).href,
      ]),
    );
    const imports = `
      import { EpollSelector, EVENT_READ, EVENT_WRITE } from "${modules.selector}";
      import { socketpair } from "${modules.socket}";
      const [left, right] = socketpair();
      const selector = new EpollSelector();`;

    test("a watch keeps the process alive", async () => {
      const code = `${imports}
        import { Socket } from "${modules.socket}";
        const server = new Socket();
        server.bind(["127.0.0.1", 0]);
        server.listen();
        selector.register(server.fileno(), EVENT_READ);
        selector.watch(() => { console.log("woken"); selector.unwatch(); });
        console.log(server.getsockname()[1]);`;
      const child = execFile(process.execPath, ["--input-type=module", "-e", code]);
      const exited = once(child, "exit");
      const lines: string[] = [];
      for await (const chunk of child.stdout!) {
        lines.push(...String(chunk).trim().split("\n"));
        if (lines.length > 1) continue;
        using client = new Socket();
        client.connectEx(["127.0.0.1", Number(lines[0])]);
        await ready(client, EVENT_WRITE);
      }
      assert.equal(lines[1], "woken");
      assert.deepEqual(await exited, [0, null]);
    });

    test("neither an idle selector nor an ended watch keeps it alive", async () => {
      const code = `${imports}
        selector.register(left.fileno(), EVENT_READ);
        selector.watch(() => {});
        selector.unwatch();
        console.log("done");`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code]);
      assert.equal(stdout, "done\n");
    });

    test("a worker may exit while a ready fd is watched", async () => {
      const code = `${imports}
        selector.register(left.fileno(), EVENT_WRITE);
        let calls = 0;
        selector.watch(() => { if (++calls === 3) setImmediate(() => process.exit(7)); });`;
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
      assert.deepEqual(await once(worker, "exit"), [7]);
    });
  });

  describe("close", () => {
    test("closes the epoll set exactly once, and leaves the registered fds open", async (t) => {
      const before = openFiles();
      const [selector, left, right] = setup(t);
      selector.register(left.fileno(), EVENT_READ);
      selector.watch(() => {});
      selector.close();
      using reused = new Socket();
      selector.close();
      selector.unwatch();
      assert.equal(reused.fileno() >= 0, true);
      reused.getsockname();
      left.send("open");
      assert.equal(right.recv(10).toString(), "open");
      assert.equal(openFiles(), before + 3);
    });

    test("leaks nothing over 500 selectors", async () => {
      const before = openFiles();
      for (let i = 0; i < 500; i++) {
        using selector = new EpollSelector();
        selector.watch(() => {});
      }
      await turn();
      assert.equal(openFiles(), before);
    });

    test("makes every later use an EBADF that says so", (t) => {
      const [selector, left] = setup(t);
      selector.close();
      assert.equal(selector.fileno(), -1);
      const uses: Record<string, () => unknown> = {
        epoll_ctl: () => selector.register(left.fileno(), EVENT_READ),
        epoll_wait: () => selector.select(() => {}),
        watch: () => selector.watch(() => {}),
      };
      for (const [syscall, use] of Object.entries(uses)) {
        const message = `${syscall} EBADF the selector is closed: Bad file descriptor`;
        assert.throws(use, { name: "OSError", code: "EBADF", syscall, message });
      }
    });
  });
});
