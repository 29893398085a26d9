export { type AsCompletedIterator, asCompleted } from "./concurrency/as-completed.ts";
export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy } from "./concurrency/awaiters.ts";
export { allTasks, currentSignal, currentTask } from "./concurrency/current-task.ts";
export { createEagerTaskFactory, eagerTaskFactory, type TaskConstructor } from "./concurrency/eager-tasks.ts";
export { createTask, ensureFuture, type ResultOf, type Waitable } from "./concurrency/ensure-future.ts";
export { type GatherOptions, gather } from "./concurrency/gather.ts";
export {
  type CallGraphOptions,
  captureCallGraph,
  FrameCallGraphEntry,
  FutureCallGraph,
  formatCallGraph,
  printCallGraph,
} from "./concurrency/graph.ts";
export type { RunnerOptions, RunOptions } from "./concurrency/runners.ts";
export { shield } from "./concurrency/shield.ts";
export { sleep } from "./concurrency/sleep.ts";
export { TaskGroup, type TaskGroupOptions } from "./concurrency/taskgroups.ts";
export { Timeout, type TimeoutOptions, timeout, timeoutAt } from "./concurrency/timeouts.ts";
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  type WaitOptions,
  wait,
} from "./concurrency/wait.ts";
export { waitFor } from "./concurrency/wait-for.ts";
export { type AsyncGen, asyncGenerator } from "./core/asyncgens.ts";
export type { Awaitable, Suspension } from "./core/awaitables.ts";
export {
  BaseEventLoop,
  type CoroutineLike,
  type TaskFactory,
  type TaskOptions,
} from "./core/base-events.ts";
export type { TextFile } from "./core/base-tasks.ts";
export type { CallbackArguments, ContextOption } from "./core/callback-arguments.ts";
export { Context, ContextVar, copyContext, Token } from "./core/contextvars.ts";
export {
  Coroutine,
  type CoroutineBody,
  type CoroutineFunction,
  coroutine,
  iscoroutine,
  iscoroutinefunction,
} from "./core/coroutines.ts";
export type { DiagnosticsMessages, WarningKind } from "./core/diagnostics.ts";
export type { Driver } from "./core/driver.ts";
export {
  BaseException,
  BlockingIOError,
  BrokenBarrierError,
  BrokenExecutor,
  BrokenPipeError,
  BrokenProcessPool,
  BrokenThreadPool,
  CancelledError,
  ChildProcessError,
  ConnectionAbortedError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  EOFError,
  FileExistsError,
  FileNotFoundError,
  GeneratorExit,
  gaierror,
  IncompleteReadError,
  InterruptedError,
  InvalidStateError,
  IsADirectoryError,
  KeyboardInterrupt,
  LimitOverrunError,
  LookupError,
  NotADirectoryError,
  NotImplementedError,
  OSError,
  type OSErrorOptions,
  PermissionError,
  ProcessLookupError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  SendfileNotAvailableError,
  SSLCertVerificationError,
  SSLError,
  SystemExit,
  TimeoutError,
  ValueError,
} from "./core/errors.ts";
export { setEventLoop } from "./core/events.ts";
export type { ExceptionContext, ExceptionHandler } from "./core/exception-context.ts";
export {
  BaseExceptionGroup,
  ExceptionGroup,
  type ExceptionMatcher,
  exceptionGroup,
  isException,
} from "./core/exception-groups.ts";
export { Future, isfuture } from "./core/futures.ts";
export { Handle, TimerHandle } from "./core/handles.ts";
export { type Logger, setLogger } from "./core/log.ts";
export type { StackFrame } from "./core/stack-frames.ts";
export { Task } from "./core/tasks.ts";
export { EventLoop, type EventLoopOptions } from "./event-loop.ts";
export { Executor, type ShutdownOptions } from "./executors/executor.ts";
export { ConcurrentFuture } from "./executors/futures.ts";
export type { JobOptions } from "./executors/job.ts";
export type { MapOptions, MapResults } from "./executors/map.ts";
export type { JobContext } from "./executors/perform.ts";
export { ProcessPoolExecutor, type ProcessPoolExecutorOptions } from "./executors/process.ts";
export { registerError } from "./executors/remote-errors.ts";
export { type Submitter, toThread } from "./executors/run-in-executor.ts";
export { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from "./executors/thread.ts";
export { transfer } from "./executors/transfer.ts";
export {
  type ConcurrentAsCompletedIterator,
  concurrentAsCompleted,
  concurrentWait,
} from "./executors/waiting.ts";
export { NamedWork, type Work, type WorkResult, work } from "./executors/work.ts";
export { wrapFuture } from "./executors/wrap-future.ts";
export type { Address } from "./io/address.ts";
export type {
  ConnectOptions,
  DatagramOptions,
  FileDescriptor,
  HostAddress,
  ListenOptions,
  SocketLike,
} from "./io/backend.ts";
export type { CreateDatagramEndpointOptions } from "./io/datagrams.ts";
export { FlowControlMixin } from "./io/flow-control.ts";
export {
  type AnyDuplex,
  type AnyReadable,
  type AnyWritable,
  type FromStreamOptions,
  fromDuplex,
  fromReadable,
  fromWritable,
} from "./io/from-node-streams.ts";
export type { AddressInfo, GetaddrinfoOptions } from "./io/getaddrinfo.ts";
export { Socket, socketpair } from "./io/native/socket.ts";
export type {
  CreateConnectionOptions,
  CreateServerOptions,
  CreateUnixConnectionOptions,
  CreateUnixServerOptions,
} from "./io/network-loop.ts";
export { toDuplex } from "./io/node-streams.ts";
export type { FileLike } from "./io/open-file.ts";
export type { PipeProtocol, ReadPipe, WritePipe } from "./io/pipes.ts";
export {
  BaseProtocol,
  BufferedProtocol,
  DatagramProtocol,
  Protocol,
  type StreamProtocol,
} from "./io/protocols.ts";
export type { SendfileOptions } from "./io/sendfile.ts";
export type { Separator } from "./io/separators.ts";
export { Server, type ServerCloseOptions } from "./io/server.ts";
export {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  NI_DGRAM,
  NI_NAMEREQD,
  NI_NOFQDN,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_BROADCAST,
  SO_DOMAIN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  SOMAXCONN,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from "./io/socket-constants.ts";
export { openStderr, openStdin, openStdout } from "./io/stdio.ts";
export { type ClientConnectedCallback, StreamReaderProtocol } from "./io/stream-protocol.ts";
export { DEFAULT_LIMIT, StreamReader } from "./io/stream-reader.ts";
export { StreamWriter } from "./io/stream-writer.ts";
export {
  type OpenConnectionOptions,
  type OpenUnixConnectionOptions,
  openConnection,
  openUnixConnection,
  type StartServerOptions,
  type StartUnixServerOptions,
  startServer,
  startUnixServer,
} from "./io/streams.ts";
export {
  CERT_NONE,
  CERT_OPTIONAL,
  CERT_REQUIRED,
  createDefaultContext,
  type DefaultContextOptions,
  Purpose,
  type SniCallback,
  SSLContext,
  type VerifyLocations,
  type VerifyMode,
} from "./io/tls/ssl-context.ts";
export type { SSLObject } from "./io/tls/ssl-object.ts";
export type { SSLContextOptions } from "./io/tls/ssl-options.ts";
export type { StartTlsOptions } from "./io/tls/start-tls.ts";
export type { TlsClientOptions, TlsServerOptions, TlsTimeouts } from "./io/tls/tls-settings.ts";
export { TlsTransport } from "./io/tls/tls-transport.ts";
export {
  BaseTransport,
  type BytesLike,
  DatagramTransport,
  type ExtraInfo,
  ReadTransport,
  Transport,
  WriteTransport,
} from "./io/transports.ts";
export type { TransportSocket } from "./io/trsock.ts";
export type { UnixPath } from "./io/unix.ts";
export type { ProgramArguments } from "./process/arguments.ts";
export type { Output } from "./process/communication.ts";
export type { CommandLine } from "./process/completed-process.ts";
export {
  type CreateSubprocessOptions,
  createSubprocessExec,
  createSubprocessShell,
} from "./process/create-subprocess.ts";
export { Process } from "./process/process.ts";
export type { RunProcessOptions } from "./process/run.ts";
export type { SpawnOptions } from "./process/spawn-options.ts";
export { DEVNULL, PIPE, STDOUT, type Stdio } from "./process/stdio.ts";
export { SubprocessStreamProtocol } from "./process/stream-protocol.ts";
export * as subprocess from "./process/subprocess.ts";
export { SubprocessProtocol } from "./process/subprocess-protocol.ts";
export { SubprocessTransport } from "./process/subprocess-transport.ts";
export { getEventLoop, getRunningLoop, newEventLoop, Runner, run } from "./run.ts";
export { Cluster } from "./serve/cluster.ts";
export type { ClusterWorker } from "./serve/crew.ts";
export type { ServeHandler, ServeOptions } from "./serve/options.ts";
export { serve } from "./serve/serve.ts";
export type { WorkerState } from "./serve/serving-worker.ts";
export { Barrier } from "./sync/barriers.ts";
export { Condition } from "./sync/conditions.ts";
export { Event, type Guard, Lock } from "./sync/locks.ts";
export { LifoQueue, PriorityQueue, Queue } from "./sync/queues.ts";
export { BoundedSemaphore, Semaphore } from "./sync/semaphores.ts";
export type { LoopAddress } from "./threads/loop-address.ts";
export { type RemoteHandle, RemoteLoop } from "./threads/remote-loop.ts";
export { runCoroutineThreadsafe } from "./threads/run-coroutine-threadsafe.ts";
