import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { inspect } from "node:util";
import { type Logger, setLogger } from "../../src/index.ts";
import { collectReports, iterate, newLoop, runProgram } from "../helpers.ts";
import { CapturedLog } from "./captured-log.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** What is written to `console.error` meanwhile. */
async function writtenToConsole(action: () => unknown): Promise<unknown[][]> {
  const { mock: written } = mock.method(console, "error", () => {});
  try {
    await action();
    await turn();
    return written.calls.map(({ arguments: values }) => values);
  } finally {
    written.restore();
    setLogger(null);
  }
}

test("a logger that is set gets what the library logs, with the error behind the message", () => {
  using loop = newLoop();
  using log = new CapturedLog();
  const error = new Error("mine");
  loop.callExceptionHandler({ message: "It broke", exception: error });
  assert.deepEqual(log.entries, [{ level: "error", message: "It broke", details: [error] }]);
});

test("null brings the console back", async () => {
  using loop = newLoop();
  setLogger(silent);
  setLogger(null);
  const written = await writtenToConsole(() => loop.callExceptionHandler({ message: "It broke" }));
  assert.deepEqual(written, [["It broke"]]);
});

test("traces are not shown unless a logger is set: stdout is the program's", () => {
  const { status, stdout, stderr } = runProgram(`
    loop.setDebug(true);
    loop.close();
    console.log("only this");
    index.setLogger(console);
    const other = new index.BaseEventLoop(new VirtualClock());
    other.setDebug(true);
    other.close();
  `);
  assert.equal(stdout, "only this\nClose <BaseEventLoop running=false closed=false debug=true>\n");
  assert.equal(stderr, "");
  assert.equal(status, 0);
});

test("a logger's methods are called as its own, and looked up when there is something to log", () => {
  using loop = newLoop();
  class Collector {
    messages: string[] = [];
    debug() {}
    info() {}
    warn() {}
    error(message: string) {
      this.messages.push(message);
    }
  }
  const collector = new Collector();
  setLogger(collector);
  try {
    loop.callExceptionHandler({ message: "first" });
    collector.error = (message) => collector.messages.push(`other ${message}`);
    loop.callExceptionHandler({ message: "second" });
  } finally {
    setLogger(null);
  }
  assert.deepEqual(collector.messages, ["first", "other second"]);
});

test("what is no logger is refused, with the names of what is missing", () => {
  assert.throws(() => setLogger({ debug() {}, warn() {} } as never), {
    name: "TypeError",
    message: "a logger has the methods debug, info, warn, error; an Object has no info, error",
  });
  assert.throws(() => setLogger(undefined as never), /undefined has no debug, info, warn, error$/);
  assert.throws(() => setLogger("console" as never), TypeError);
});

const failing: [how: string, logger: Logger][] = [
  [
    "throws",
    {
      ...silent,
      error() {
        throw new Error("disk full");
      },
    },
  ],
  ["rejects", { ...silent, error: () => Promise.reject(new Error("disk full")) }],
];
for (const [how, logger] of failing) {
  test(`a logger that ${how} does not harm the loop: message and error are on the console`, async () => {
    using loop = newLoop();
    const ran: string[] = [];
    loop.callSoon(() => {
      throw new Error("mine");
    });
    loop.callSoon(() => ran.push("behind"));
    setLogger(logger);
    const written = await writtenToConsole(() => iterate(loop, 1));
    assert.deepEqual(ran, ["behind"]);
    const [[text, error] = []] = written;
    assert.match(String(text), /^the logger could not log this error message: Exception in callback /);
    assert.equal(String(error), "Error: disk full");
    assert.equal(written.length, 1);
  });
}

test("if console itself cannot show an error, the message is there", () => {
  using loop = newLoop();
  const written: string[] = [];
  const { mock: stderr } = mock.method(process.stderr, "write", (text: string) => written.push(text) > 0);
  const exception = {
    [inspect.custom]() {
      throw new Error("not to be looked at");
    },
  };
  try {
    loop.callExceptionHandler({ message: "It broke", exception });
  } finally {
    stderr.restore();
  }
  assert.match(written.join(""), /could not log this error message: It broke(?:.|\n)*not to be looked at/);
});

test("a report is not logged while a handler of the program's own takes it", () => {
  using log = new CapturedLog();
  using loop = newLoop();
  assert.equal(collectReports(loop).length, 0);
  loop.callExceptionHandler({ message: "It broke" });
  assert.deepEqual(log.entries, []);
});
