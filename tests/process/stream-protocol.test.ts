import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PIPE,
  RuntimeError,
  STDOUT,
  StreamReader,
  StreamWriter,
  SubprocessStreamProtocol,
  sleep,
  ValueError,
} from "../../src/index.ts";
import { rejects } from "../helpers.ts";
import { inEachWorld, until } from "./support.ts";

inEachWorld("the streams are there when the process is, for what is a pipe", function* ({ on, loop }) {
  const factory = () => new SubprocessStreamProtocol({ loop });
  const unused = factory();
  assert.deepEqual([unused.stdin, unused.stdout, unused.stderr], [null, null, null]);
  const [transport, all] = yield* on(loop.subprocessExec(factory, "cat"));
  assert.ok(all.stdin instanceof StreamWriter);
  assert.ok(all.stdout instanceof StreamReader);
  assert.ok(all.stderr instanceof StreamReader);
  assert.match(String(all), /^<SubprocessStreamProtocol stdin=<.*> stdout=<.*> stderr=<.*>>$/);
  all.stdin.write("through");
  all.stdin.close();
  assert.equal(String(yield* on(all.stdout.read())), "through");
  yield* until(on, () => transport.isClosing());
  const options = { stdin: null, stdout: PIPE, stderr: STDOUT } as const;
  const [other, some] = yield* on(loop.subprocessExec(factory, "true", options));
  assert.deepEqual([some.stdin, some.stderr], [null, null]);
  assert.equal((yield* on(some.stdout!.read())).length, 0);
  yield* until(on, () => other.isClosing());
});

inEachWorld("its limit is that of the readers", function* ({ on, loop }) {
  const factory = () => new SubprocessStreamProtocol({ loop, limit: 10 });
  const [transport, { stdout }] = yield* on(loop.subprocessExec(factory, "printf", "%020d\\nx\\n", "1"));
  yield* rejects(on(stdout!.readline()), ValueError);
  assert.equal(String(yield* on(stdout!.readline())), "x\n");
  yield* until(on, () => transport.isClosing());
});

inEachWorld(
  "the transport is closed when the process has exited and its output has ended, not before",
  function* ({ on, loop }) {
    const factory = () => new SubprocessStreamProtocol({ loop });
    const [transport, { stdout }] = yield* on(loop.subprocessShell(factory, "sleep 3600 & echo $!; exit 3"));
    const grandchild = Number(String(yield* on(stdout!.readline())));
    yield* until(on, () => transport.getReturncode() === 3);
    yield* on(sleep(0));
    assert.equal(transport.isClosing(), false);
    process.kill(grandchild, "SIGKILL");
    yield* until(on, () => transport.isClosing());
    const [silent] = yield* on(loop.subprocessShell(factory, "exec 1>&- 2>&-; read go"));
    const { stdout: ended } = silent.getProtocol() as SubprocessStreamProtocol;
    assert.equal((yield* on(ended!.read())).length, 0);
    assert.equal(silent.isClosing(), false);
    silent.getPipeTransport(0)!.close();
    yield* until(on, () => silent.isClosing());
  },
);

test("without a loop there is no protocol", () => {
  assert.throws(() => new SubprocessStreamProtocol(), RuntimeError);
});
