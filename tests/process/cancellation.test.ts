import assert from "node:assert/strict";
import {
  CancelledError,
  createSubprocessExec,
  createTask,
  FileNotFoundError,
  PIPE,
  type Process,
  STDOUT,
  sleep,
  subprocess,
  type Task,
} from "../../src/index.ts";
import type { Flavour, Steps } from "../flavours.ts";
import { children, inEachWorld, line, STUBBORN } from "./support.ts";

const ALL = { stdin: PIPE, stdout: PIPE, stderr: PIPE } as const;

/** How long work goes on before it is cancelled: some turns of the loop, or some seconds. */
const MOMENTS: readonly (readonly [turns: number, seconds: number])[] = [
  ...Array.from({ length: 7 }, (_, turns) => [turns, 0] as const),
  ...[0.001, 0.002, 0.004, 0.008, 0.016].map((seconds) => [1, seconds] as const),
];

/** Cancel `task` when it has gone on for a while; gives what came of it all the same, or null. */
function* cancelled<T>(
  on: Flavour["on"],
  task: Task<T>,
  [turns, seconds]: (typeof MOMENTS)[number],
): Steps<T | null> {
  for (let i = 0; i < turns; i++) yield* on(sleep(0));
  if (seconds > 0) yield* on(sleep(seconds));
  task.cancel();
  try {
    return yield* on(task);
  } catch (error) {
    if (error instanceof CancelledError) return null;
    throw error;
  }
}

for (const [how, options] of [
  ["with three pipes", ALL],
  ["with one pipe for two", { ...ALL, stderr: STDOUT }],
  ["without pipes", {}],
] as const) {
  inEachWorld(`a start ${how} that is cancelled at any moment leaves nothing`, function* ({ on }) {
    for (const moment of MOMENTS) {
      const process = yield* cancelled(
        on,
        createTask(createSubprocessExec("sleep", "3600", options)),
        moment,
      );
      process?.kill();
      if (process !== null) yield* on(process.wait());
      assert.deepEqual(children(), [], `after ${moment}`);
    }
  });
}

inEachWorld("a start that fails and is cancelled at any moment leaves nothing", function* ({ on }) {
  for (const moment of MOMENTS) {
    try {
      const starting = createSubprocessExec("/nonexistent", { ...ALL, stderr: STDOUT });
      assert.equal(yield* cancelled(on, createTask(starting), moment), null);
    } catch (error) {
      assert.ok(error instanceof FileNotFoundError);
    }
    assert.deepEqual(children(), [], `after ${moment}`);
  }
});

inEachWorld("a communicate that is cancelled at any moment loses nothing", function* ({ on }) {
  const input = Buffer.alloc(300_000, "0123456789\n");
  for (const moment of MOMENTS) {
    const process = yield* on(createSubprocessExec("sh", "-c", "cat; echo end >&2", ALL));
    const output = yield* cancelled(on, createTask(process.communicate(input)), moment);
    const hasBegun = moment[0] > 0;
    const [out, err] = output ?? (yield* on(process.communicate(hasBegun ? null : input)));
    assert.ok(out!.equals(input), `after ${moment}: ${out!.length} bytes came`);
    assert.equal(String(err), "end\n");
    assert.equal(process.returncode, 0);
  }
});

inEachWorld("a wait that is cancelled at any moment can be done again", function* ({ on }) {
  for (const moment of MOMENTS) {
    const process = yield* on(createSubprocessExec("sh", "-c", "sleep 0.004; exit 5"));
    const returncode = yield* cancelled(on, createTask(process.wait()), moment);
    assert.equal(returncode ?? (yield* on(process.wait())), 5);
  }
});

function* stubborn(on: Flavour["on"]): Steps<Process> {
  const process = yield* on(
    createSubprocessExec("sh", "-c", STUBBORN, { stdout: PIPE, startNewSession: true }),
  );
  assert.equal(yield* line(on, process), "ready");
  return process;
}

inEachWorld("a stop that is cancelled at any moment can be done again", function* ({ on }) {
  for (const moment of MOMENTS) {
    const process = yield* stubborn(on);
    const returncode = yield* cancelled(on, createTask(process.stop({ grace: 0.004 })), moment);
    assert.equal(returncode ?? (yield* on(process.stop({ grace: 0.004 }))), -9);
    yield* on(process.communicate());
  }
});

inEachWorld("a run that is cancelled at any moment leaves nothing", function* ({ on }) {
  for (const moment of MOMENTS) {
    const work = subprocess.run("sh", "-c", "cat; sleep 0.004", { input: "x", captureOutput: true });
    const done = yield* cancelled(on, createTask(work), moment);
    if (done !== null) assert.equal(String(done.stdout), "x");
    assert.deepEqual(children(), [], `after ${moment}`);
  }
});

inEachWorld("a run that is cancelled twice at any moments leaves nothing", function* ({ on }) {
  for (const moment of MOMENTS) {
    const task = createTask(subprocess.run("sh", "-c", STUBBORN, { captureOutput: true, grace: 0.01 }));
    for (let i = 0; i <= moment[0]; i++) yield* on(sleep(0));
    yield* on(sleep(0.01));
    task.cancel();
    assert.equal(yield* cancelled(on, task, moment), null);
    assert.deepEqual(children(), [], `after ${moment}`);
  }
});
