import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { setResultUnlessDone } from "../core/futures.ts";
import { logger } from "../core/log.ts";
import { assertFactory } from "../io/arguments.ts";
import type { Backend, Waiting } from "../io/backend.ts";
import { type ProgramArguments, splitOptions } from "./arguments.ts";
import { BaseSubprocessTransport } from "./base-subprocess.ts";
import { type Command, commandLine, programCommand, shellCommand } from "./command.ts";
import { assertSpawnOptions, type SpawnOptions } from "./spawn-options.ts";
import { spawn, wiringOf } from "./spawning.ts";
import { PIPE } from "./stdio.ts";
import type { SubprocessProtocol } from "./subprocess-protocol.ts";

type Started<P> = Coroutine<[BaseSubprocessTransport, P]>;

/** The work of `loop.subprocessExec`. */
export function subprocessExec<P extends SubprocessProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  program: string | URL,
  all: ProgramArguments<SpawnOptions>,
): Started<P> {
  assertFactory(factory);
  const [args, options] = splitOptions(all);
  return started(loop, io, factory, programCommand(program, args), options, "subprocessExec");
}

/** The work of `loop.subprocessShell`. */
export function subprocessShell<P extends SubprocessProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  command: string | Uint8Array,
  options: SpawnOptions,
): Started<P> {
  assertFactory(factory);
  return started(loop, io, factory, shellCommand(command), options, "subprocessShell");
}

function started<P extends SubprocessProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  command: Command,
  options: SpawnOptions,
  name: string,
): Started<P> {
  assertSpawnOptions(options, command.isShell);
  const { stdin = PIPE, stdout = PIPE, stderr = PIPE } = options;
  const all = { ...options, stdin, stdout, stderr };
  wiringOf(all);
  return new Coroutine(() => start(loop, io, factory, command, all), name);
}

/** Cancel safety: the process is killed, and has exited. */
function* start<P extends SubprocessProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  command: Command,
  options: SpawnOptions,
): Waiting<[BaseSubprocessTransport, P]> {
  options.signal?.throwIfAborted();
  const protocol = factory();
  const spawned = yield* spawn(loop, io, command, options);
  const transport = new BaseSubprocessTransport(loop, protocol, spawned, leadsGroup(options));
  if (options.signal !== undefined) transport.killOn(options.signal);
  if (loop.getDebug()) {
    logger.debug(`process ${inspect(commandLine(command))} created: pid ${spawned.child.pid}`);
  }
  const made = loop.createFuture<void>();
  try {
    transport.begin(io, spawned.pipes, () => {
      setResultUnlessDone(made, undefined);
    });
    yield* made;
  } catch (error) {
    transport.close();
    yield* transport.exited();
    throw error;
  }
  return [transport, protocol];
}

/** Windows has no process groups that could be ended. */
function leadsGroup({ startNewSession = false }: SpawnOptions): boolean {
  return startNewSession && process.platform !== "win32";
}
