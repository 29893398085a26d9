/**
 * What `String(x)` and `console.log(x)` show of each public class: its state, as Python's `repr` does, and not its
 * fields. Errors are shown as all errors are, and protocols as Node shows any object: they are the user's own classes.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import * as asyncio from "../src/index.ts";
import { newLoop } from "./helpers.ts";
import { inEachBackend, nativeSkip } from "./io/backends.ts";

type Shown = [object: object, text: string | RegExp];

const {
  Barrier,
  BoundedSemaphore,
  Condition,
  Context,
  ContextVar,
  Coroutine,
  Event,
  Future,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Runner,
  Semaphore,
  TaskGroup,
} = asyncio;

const noop = () => {};
const idle = async () => {};

/** Of each class one object or more, made in a task of `loop`, at time 0. */
const examples: Record<string, (loop: asyncio.BaseEventLoop) => Shown[] | Promise<Shown[]>> = {
  BaseEventLoop: (loop) => [
    [loop, "<BaseEventLoop running=true closed=false debug=false>"],
    [closed(newLoop()), "<BaseEventLoop running=false closed=true debug=false>"],
  ],
  EventLoop: () => [[closed(asyncio.newEventLoop()), "<EventLoop running=false closed=true debug=false>"]],
  Runner: () => [[new Runner(), "<Runner created>"]],
  Handle: (loop) => [
    [loop.callSoon(noop), "<Handle noop()>"],
    [cancelled(loop.callSoon(noop)), "<Handle cancelled>"],
  ],
  TimerHandle: (loop) => [
    [cancelled(loop.callAt(5, noop)), "<TimerHandle when=5 cancelled>"],
    [loop.callAt(0, noop), "<TimerHandle when=0 noop()>"],
  ],

  ConcurrentFuture: () => [[new asyncio.ConcurrentFuture(), "<ConcurrentFuture pending>"]],
  NamedWork: () => [[asyncio.work("node:os", "platform"), "<NamedWork platform of node:os>"]],
  Executor: () => [[new (class Mine extends asyncio.ThreadPoolExecutor {})(), /^<Mine open /]],
  ThreadPoolExecutor: () => [
    [new asyncio.ThreadPoolExecutor(), "<ThreadPoolExecutor open workers=0 waiting=0>"],
  ],
  RemoteLoop: () => {
    using loop = new asyncio.EventLoop();
    return [[new asyncio.RemoteLoop(loop.threadsafe()), /^<RemoteLoop thread=0 closed=(true|false)>$/]];
  },
  ProcessPoolExecutor: () => [
    [shutDown(new asyncio.ProcessPoolExecutor()), "<ProcessPoolExecutor shut down workers=0 waiting=0>"],
  ],

  Coroutine: () => {
    const coroutine = asyncio.sleep(1);
    assert.equal(inspect(coroutine), "<Coroutine sleep created>");
    const scheduled = new Coroutine(idle, "mine");
    asyncio.createTask(scheduled);
    return [
      [closed(coroutine), "<Coroutine sleep closed>"],
      [scheduled, "<Coroutine mine scheduled>"],
    ];
  },
  Future: (loop) => {
    const done = loop.createFuture<string>();
    done.setResult("text");
    const failed = loop.createFuture();
    failed.setException(new TypeError("mine"));
    failed.exception();
    const cancelledOne = loop.createFuture();
    cancelledOne.cancel();
    return [
      [new Future(), "<Future pending>"],
      [done, "<Future finished result='text'>"],
      [failed, '<Future finished exception=TypeError("mine")>'],
      [cancelledOne, "<Future cancelled>"],
    ];
  },
  Task: () => [
    [
      asyncio.createTask(idle, { name: "mine" }),
      '<Task pending name="mine" coro=<Coroutine idle scheduled>>',
    ],
  ],
  Cluster: () => [
    [new asyncio.Cluster(() => {}, { workers: 2 }), "<Cluster created kind=process workers=2>"],
  ],
  TaskGroup: async () => {
    const group = new TaskGroup();
    await group.run(async () => assert.equal(inspect(group), "<TaskGroup open tasks=0 errors=0>"));
    return [
      [new TaskGroup(), "<TaskGroup created tasks=0 errors=0>"],
      [group, "<TaskGroup finished tasks=0 errors=0>"],
    ];
  },
  Timeout: async () => {
    const deadline = asyncio.timeout(5);
    await deadline.run(async () => assert.equal(inspect(deadline), "<Timeout [active] when=5>"));
    return [
      [asyncio.timeout(5), "<Timeout [created]>"],
      [deadline, "<Timeout [finished]>"],
    ];
  },
  AsCompletedIterator: () => [
    [asyncio.asCompleted([Promise.resolve()]), "<AsCompletedIterator pending=1 completed=0>"],
  ],
  AsyncGen: () => [[asyncio.asyncGenerator(async function* lines() {})(), "<AsyncGen lines>"]],
  FutureCallGraph: () => [[asyncio.captureCallGraph(new Future())!, /^\* Future/]],
  FrameCallGraphEntry: () => [[asyncio.captureCallGraph()!.callStack[0]!, /inspect\.test\.ts/]],

  Context: () => [
    [new Context(), "<Context of 0 variables>"],
    [withOneVariable(), "<Context of 1 variable>"],
  ],
  ContextVar: () => [
    [new ContextVar("user"), '<ContextVar name="user">'],
    [new ContextVar("user", { defaultValue: "me" }), `<ContextVar name="user" default='me'>`],
  ],
  Token: () => {
    const variable = new ContextVar<string>("user");
    const used = variable.set("me");
    variable.reset(used);
    return [
      [variable.set("me"), '<Token var=<ContextVar name="user">>'],
      [used, '<Token used var=<ContextVar name="user">>'],
    ];
  },

  Lock: async () => {
    const held = new Lock();
    await held.acquire();
    return [
      [new Lock(), "<Lock [unlocked, waiters:0]>"],
      [held, "<Lock [locked, waiters:0]>"],
    ];
  },
  Guard: async () => {
    const released = await new Lock().acquire();
    released.release();
    return [
      [await new Lock().acquire(), "<Guard unreleased>"],
      [released, "<Guard released>"],
    ];
  },
  Event: () => {
    const set = new Event();
    set.set();
    return [
      [new Event(), "<Event [unset, waiters:0]>"],
      [set, "<Event [set, waiters:0]>"],
    ];
  },
  Condition: () => [[new Condition(), "<Condition [unlocked, waiters:0]>"]],
  Semaphore: () => [
    [new Semaphore(2), "<Semaphore [unlocked, value:2, waiters:0]>"],
    [new Semaphore(0), "<Semaphore [locked, waiters:0]>"],
  ],
  BoundedSemaphore: () => [[new BoundedSemaphore(2), "<BoundedSemaphore [unlocked, value:2, waiters:0]>"]],
  Barrier: () => [[new Barrier(2), "<Barrier [filling, waiters:0/2]>"]],
  Queue: () => [
    [new Queue(), "<Queue maxsize=0 items=[]>"],
    [filled(new Queue<number>(2)), "<Queue maxsize=2 items=[ 1, 2 ] unfinished=2>"],
  ],
  PriorityQueue: () => [
    [filled(new PriorityQueue<number>()), "<PriorityQueue maxsize=0 items=[ 1, 2 ] unfinished=2>"],
  ],
  LifoQueue: () => [[filled(new LifoQueue<number>()), "<LifoQueue maxsize=0 items=[ 1, 2 ] unfinished=2>"]],

  SSLContext: () => [
    [new asyncio.SSLContext(), "<SSLContext purpose=SERVER_AUTH verifyMode=2 checkHostname=true>"],
  ],

  StreamReader: () => {
    const reader = new asyncio.StreamReader({ limit: 100 });
    reader.feedData("text");
    reader.feedEof();
    return [
      [new asyncio.StreamReader(), "<StreamReader>"],
      [reader, "<StreamReader limit=100 4 bytes eof>"],
    ];
  },
};

function closed<T extends { close(): unknown }>(closeable: T): T {
  closeable.close();
  return closeable;
}

function cancelled<T extends asyncio.Handle>(handle: T): T {
  handle.cancel();
  return handle;
}

function withOneVariable(): asyncio.Context {
  const context = new Context();
  context.run(() => new ContextVar<number>("variable").set(1));
  return context;
}

function filled<Q extends asyncio.Queue<number>>(queue: Q): Q {
  queue.putNowait(1);
  queue.putNowait(2);
  return queue;
}

function assertShown([object, text]: Shown): void {
  const shown = String(object);
  if (typeof text === "string") assert.equal(shown, text);
  else assert.match(shown, text);
  assert.equal(inspect(object), shown);
  assert.equal(inspect({ deep: [object] }, { breakLength: Infinity }), `{ deep: [ ${shown} ] }`);
}

for (const [name, make] of Object.entries(examples)) {
  test(`${name} shows its state`, async () => {
    using loop = newLoop();
    await loop.runUntilComplete(async () => {
      for (const shown of await make(loop)) assertShown(shown);
    });
  });
}

inEachBackend("what belongs to a connection shows its state", async ({ defer }) => {
  const server = await asyncio.startServer(idle, "127.0.0.1", 0);
  defer(() => server.close());
  const [socket] = server.sockets;
  const [, port] = socket!.getsockname() as [string, number];
  const [reader, writer] = await asyncio.openConnection("127.0.0.1", port);
  const transport = writer.transport;
  assertShown([server, `<Server serving sockets=[[ '127.0.0.1', ${port} ]]>`]);
  assertShown([socket!, new RegExp(`^<TransportSocket .*${port}.*>$`)]);
  assertShown([transport, /^<SocketTransport open .*buffered=0>$/]);
  assertShown([reader, `<StreamReader transport=${transport}>`]);
  assertShown([writer, `<StreamWriter transport=${transport} reader=${reader}>`]);
  server.close();
  writer.close();
  await writer.waitClosed();
  assertShown([server, "<Server not serving sockets=[]>"]);
  assertShown([socket!, /^<TransportSocket .*closed.*>$/]);
  assertShown([transport, /^<SocketTransport closed .*>$/]);
});

inEachBackend("an endpoint for datagrams shows its state", async ({ loop }) => {
  const [transport] = await loop.createDatagramEndpoint(() => new Quiet(), {
    localAddr: ["127.0.0.1", 0],
  });
  assertShown([transport, /^<DatagramTransport open .*buffered=0>$/]);
  transport.close();
  await asyncio.sleep(0);
  assertShown([transport, /^<DatagramTransport closed .*>$/]);
});

test("a socket shows what it is", { skip: nativeSkip }, () => {
  const [left, right] = asyncio.socketpair();
  assertShown([left, /^<Socket fd=\d+, family=AF_UNIX, type=SOCK_STREAM, proto=0.*>$/]);
  right.close();
  left.close();
  assertShown([left, /^<Socket \[closed\] .*>$/]);
});

test("a group of errors tells how many there are", () => {
  const one = new asyncio.ExceptionGroup("failed", [new Error("a")]);
  const several = new asyncio.BaseExceptionGroup("failed", [new asyncio.CancelledError(), one]);
  assert.equal(String(one), "ExceptionGroup: failed (1 sub-exception)");
  assert.equal(String(several), "BaseExceptionGroup: failed (2 sub-exceptions)");
});

class Quiet extends asyncio.DatagramProtocol {}

/** Those of the tests with a socket; those of TLS and of processes are in their own tests. */
const SHOWN_WITH_A_CONNECTION = [
  "BaseTransport",
  "DatagramTransport",
  "Process",
  "ReadTransport",
  "Server",
  "Socket",
  "StreamWriter",
  "SubprocessTransport",
  "TlsTransport",
  "Transport",
  "WriteTransport",
];
/** The user extends them, and sees the fields of his own classes. */
const PROTOCOLS = [
  "BaseProtocol",
  "BufferedProtocol",
  "DatagramProtocol",
  "FlowControlMixin",
  "Protocol",
  "StreamReaderProtocol",
  "SubprocessProtocol",
  "SubprocessStreamProtocol",
];

test("no public class is missing here", () => {
  const known = new Set([...Object.keys(examples), ...SHOWN_WITH_A_CONNECTION, ...PROTOCOLS]);
  const missing = Object.entries(asyncio).filter(
    ([name, value]) => isClass(value) && !(value.prototype instanceof Error) && !known.has(name),
  );
  assert.deepEqual(missing, []);
});

function isClass(value: unknown): value is new () => object {
  return typeof value === "function" && Function.prototype.toString.call(value).startsWith("class");
}

function shutDown<E extends asyncio.Executor>(executor: E): E {
  executor.shutdown({ wait: false });
  return executor;
}
