import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { backends } from "../io/backends.ts";
import { inThread, openFiles } from "./support.ts";

for (const { name: backend, skip } of backends) {
  const options = { skip, timeout: 60_000 };

  test(
    `timers, processes and standard input work in a thread's own loop, signals do not (${backend})`,
    options,
    async () => {
      const thread = inThread("everything", backend);
      thread.worker.stdin!.end("from outside\n");
      assert.deepEqual(await thread.result, [
        "RuntimeError: There is no current event loop",
        backend,
        "RuntimeError: signals reach the main thread only, and this is a worker",
        "to a child",
        3,
        true,
        "from outside\n",
      ]);
    },
  );

  test(
    `the loops of two threads talk to each other, and leave no descriptor behind (${backend})`,
    options,
    async () => {
      const talk = async () => {
        const server = inThread("echoServer", backend);
        const [port] = await once(server.worker, "message");
        assert.equal(await inThread("echoClient", backend, port, 200).result, 200);
        assert.equal(await server.result, 200);
      };
      await talk();
      const before = openFiles();
      await talk();
      assert.equal(openFiles(), before);
    },
  );

  test(`a thread can end itself while its loop sleeps (${backend})`, options, async () => {
    const thread = inThread("host", backend);
    await once(thread.worker, "message");
    thread.worker.postMessage("exit");
    await assert.rejects(thread.result, { message: "the thread exited with 3, and gave nothing" });
  });
}
