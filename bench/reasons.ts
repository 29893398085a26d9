/** What holds us back where an aim is missed, by workload. docs/design.md, "Where the time goes", tells more. */

const KERNEL = `the kernel takes 83 % of our server's time (\`perf\`), 5.8 µs of a round trip, as under every server. The system calls are
the same as in C: one recv and one send each, and one epoll_wait for 40 of them. What is left, 1.2 µs, is spread thin: calls through Node's
interface for native code 0.3, memory and its two views 0.15, libc's own part 0.15, the way through handle, frame and transport the rest.`;

const FLAVOUR = `an \`await\` is V8's promise, its two functions and two microtasks, before anything of ours; and no other task may run until
no microtask is left, or the order would not be CPython's. With nothing but that a switch takes 370 to 430 ns, where uvloop takes 600 to 800.`;

const COLLECTOR = `ten thousand tasks are alive at a time, and outlive V8's young generation of 16 MiB: half of the processor time is
its collector's. A task that waits takes 890 bytes, or 1,750 as an async function, most of which is V8's own and Node's.`;

const TLS = `encryption and its copies are done by the same library on all sides. Our part, as for plain messages, is spread thin: eight calls
of OpenSSL's functions at 50 ns each, the way through handle, transport and protocol; the rest is OpenSSL's and the kernel's.`;

export const REASONS: Readonly<Record<string, string>> = {
  "tcp-1k-50": KERNEL,
  "tcp-1k-1": `libuv sleeps for us, so that all else in Node goes on: that is one look at epoll more in each round trip, and 4 µs of
JavaScript. To wait for 0.1 ms in epoll before libuv does was tried, and gained nothing.`,
  "tcp-1k-500": KERNEL,
  "tcp-100k-50": `what comes in is the protocol's to keep, so each read needs fresh memory, and V8 a collection for each 6 MiB to give it
back. Read into one piece of memory again and again, as in C, the same server took 23 µs of processor time, as C did; so it takes 32.`,
  "streams-1k-50": `the kernel's part alone, 6 µs of 8.7, would be 1.6 of uvloop's round trips. A line takes 1.7 µs more than a
protocol's message: two coroutines, two generators and a turn of the loop; as an async function, two awaits of a microsecond each.`,
  "streams-100k-50": `as for tcp-100k-50, and 10 µs more. 4 of them are the search for the line's end and the coroutines. The others come with
many connections: in CPython's order the lines of all are read before the task of the first goes on, 5 MB, which no core's cache holds.`,
  "udp-1k-50": `sendto is 72 % of the server's time, and the kernel's.`,
  "unix-1k-50": KERNEL,
  "buffered-1k-50": KERNEL,
  "tls-1k-50": TLS,
  "tls-100k-50": TLS,
  "portable-1k-50": `Node tells of what came in outside of the loop's turn, so each message waits for that: a callback of the loop's that node:net
has not. The medians of three runs were 0.85, 0.87 and 0.92.`,
  "http-hello": `of the processor time 64 % is the kernel's, for send and recv, and 10 % the example's own, its parser in JavaScript
included; that of httptools is in C. What is left are the two coroutines of each request.`,
  "http-file": `realpath, open, fstat, read and close take 8 µs, in all three servers, and a timeout for each request 2.`,
  "idle-connections": `a connection with streams has two of them, a protocol and a task, which node:net has not. An async function that
waits takes V8 1,100 bytes more than a generator: two promises, six functions and their contexts.`,
  "tasks-switch": FLAVOUR,
  "tasks-spawn": `${COLLECTOR} Effect's fibers keep no context for other libraries, and no name.`,
  "tasks-hand-over": `each hand-over is an iteration of the loop, with its look at the timers and at what else is ready;
for async functions: ${FLAVOUR}`,
  "tasks-queue-1": FLAVOUR,
  "tasks-queue-10": FLAVOUR,
  "tasks-lock": `the \`using\` declaration of the guard is not compiled by V8 yet, but calls its runtime; for async functions: ${FLAVOUR}`,
  "tasks-event": COLLECTOR,
  "tasks-gather": COLLECTOR,
  "tasks-task-group": COLLECTOR,
  "tasks-timeout": FLAVOUR,
  "tasks-wait-for": FLAVOUR,
  "tasks-depth": FLAVOUR,
  "call-soon": `a third is Node's \`enterWith\`, which copies a Map, so that a callback, and all that it begins, is known to be no part of
the task that scheduled it.`,
  "call-later": `the clock is read for each timer, which takes 45 ns; setTimeout takes the time of libuv's last turn.`,
  subprocess: `from one start to the next are 0.7 ms: 0.09 until the program is started, 0.52 until it is over, 0.05 in between. With only 500
of them V8 is compiling all the while.`,
  "thread-pool": `a bare thread with a future of the loop, an id for each job, its AsyncLocalStorage and two async functions has 0.8 of the
round trips of one without; queue, job and checks take the last 3 µs of 26.`,
  start: `V8 takes 12 ms to read 820 kB of ours; four files and Node's modules that we need 6; koffi 5 of the run.`,
};
