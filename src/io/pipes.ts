import { fstatSync } from "node:fs";
import { Readable, type Stream, Writable } from "node:stream";
import { inspect } from "node:util";
import type { BaseEventLoop } from "../core/base-events.ts";
import { Coroutine } from "../core/coroutines.ts";
import { ValueError } from "../core/errors.ts";
import { assertFactory } from "./arguments.ts";
import type { Backend, FileDescriptor } from "./backend.ts";
import { establish } from "./establishing.ts";
import { fromNode } from "./portable/errors.ts";
import { NodeReadPipe } from "./portable/read-pipe.ts";
import { NodeWritePipe } from "./portable/write-pipe.ts";
import type { BaseProtocol } from "./protocols.ts";
import type { ReadPipeTransport } from "./read-pipe-transport.ts";
import type { ReadTransport, WriteTransport } from "./transports.ts";
import type { WritePipeTransport } from "./write-pipe-transport.ts";

/** What can be read from as a pipe: a pipe, FIFO, socket or character device, or a stream of Node's for bytes. */
export type ReadPipe = FileDescriptor | Readable;

/** What can be written to as a pipe: a pipe, FIFO, socket or character device, or a stream of Node's for bytes. */
export type WritePipe = FileDescriptor | Writable;

/** What a pipe can feed: a `Protocol` is one, and its `connectionMade` gets a ReadTransport. */
export interface PipeProtocol extends BaseProtocol {
  dataReceived(data: Buffer): void;
  // biome-ignore lint/suspicious/noConfusingVoidType: a protocol need not return anything
  eofReceived(): boolean | void;
}

/** The work of `loop.connectReadPipe`. */
export function connectReadPipe<P extends PipeProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  pipe: ReadPipe,
): Coroutine<[ReadTransport, P]> {
  assertFactory(factory);
  const make = readPipeMaker(loop, io, pipe);
  return new Coroutine(() => establish(loop, factory, make, leaveOpen), "connectReadPipe");
}

/** The work of `loop.connectWritePipe`. */
export function connectWritePipe<P extends BaseProtocol>(
  loop: BaseEventLoop,
  io: Backend,
  factory: () => P,
  pipe: WritePipe,
): Coroutine<[WriteTransport, P]> {
  assertFactory(factory);
  const make = writePipeMaker(loop, io, pipe);
  return new Coroutine(() => establish(loop, factory, make, leaveOpen), "connectWritePipe");
}

/** What makes a transport for `pipe`. Throws as {@link connectReadPipe}. */
export function readPipeMaker(
  loop: BaseEventLoop,
  io: Backend,
  pipe: ReadPipe,
): (protocol: PipeProtocol) => ReadPipeTransport {
  if (pipe instanceof Readable) {
    assertBytes(pipe, pipe.readableObjectMode);
    return (protocol) => new NodeReadPipe(loop, pipe, pipe, protocol);
  }
  assertPipe(pipe);
  return (protocol) => io.makeReadPipe(pipe, protocol);
}

/** As {@link readPipeMaker}. */
export function writePipeMaker(
  loop: BaseEventLoop,
  io: Backend,
  pipe: WritePipe,
): (protocol: BaseProtocol) => WritePipeTransport {
  // A Duplex is a Writable too: that class says so of it.
  if (pipe instanceof Writable) {
    assertBytes(pipe, pipe.writableObjectMode);
    return (protocol) => new NodeWritePipe(loop, pipe, pipe, protocol);
  }
  assertPipe(pipe);
  return (protocol) => io.makeWritePipe(pipe, protocol);
}

/** There is no transport, so the pipe is still the caller's. */
function leaveOpen(): void {}

function assertBytes(stream: Stream, isForObjects: boolean): void {
  if (isForObjects)
    throw new TypeError(`a stream of bytes was expected, not one of objects: ${inspect(stream)}`);
}

/** Throws TypeError for what has no fd, OSError for a closed one, ValueError for a regular file and the like. */
function assertPipe(pipe: FileDescriptor): void {
  const fd = typeof pipe === "number" ? pipe : pipe?.fileno?.();
  if (!Number.isInteger(fd) || fd < 0) {
    throw new TypeError(
      `a file descriptor, an object with fileno() or a stream was expected, not ${inspect(pipe)}`,
    );
  }
  const stats = statOf(fd);
  if (stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice()) return;
  throw new ValueError(
    `Pipe transports are for pipes, sockets and character devices, and fd ${fd} is a ${
      stats.isFile() ? "regular file" : stats.isDirectory() ? "directory" : "block device"
    }`,
  );
}

function statOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch (error) {
    throw fromNode(error as NodeJS.ErrnoException);
  }
}
