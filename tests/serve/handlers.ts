/** What the workers of the tests serve. */

import { existsSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { coroutine, getRunningLoop, type StreamReader, type StreamWriter, sleep } from "../../src/index.ts";

let greeting = "none";

/** An initializer. */
export function greet(text: string): void {
  greeting = text;
}

/** An initializer that waits in the worker's loop. */
export const greetLater = coroutine(function* (text: string) {
  yield* sleep(0.01);
  greeting = text;
});

export function fail(): never {
  throw new RangeError("no database");
}

/** Ends its worker before that listens. */
export function leave(): never {
  process.exit(3);
}

/** Answers a line with who serves it, and ends. */
export async function who(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await reader.readline();
  const { backend } = getRunningLoop();
  writer.write(`${process.pid} ${threadId} ${backend} ${greeting}\n`);
  await writer.drain();
  writer.close();
}

/** Does what each line asks for, until the connection ends. */
export const obey = coroutine(function* (reader: StreamReader, writer: StreamWriter) {
  for (;;) {
    const line = String(yield* reader.readline()).trim();
    if (line === "") break;
    yield* answer(line, writer);
    yield* writer.drain();
  }
  writer.close();
});

function* answer(line: string, writer: StreamWriter) {
  if (line === "who") writer.write(`${process.pid}\n`);
  if (line === "slow") {
    writer.write("begun\n");
    yield* sleep(0.5);
    writer.write("finished\n");
  }
  if (line === "endless") {
    writer.write("begun\n");
    try {
      yield* sleep(3600);
    } finally {
      writer.write("cancelled\n");
    }
  }
  if (line === "throw") {
    setImmediate(() => {
      throw new RangeError("uncaught");
    });
  }
  if (line === "exit") process.exit(7);
  if (line.startsWith("blocked until there is ")) {
    writer.write("begun\n");
    yield* writer.drain();
    while (!existsSync(line.slice("blocked until there is ".length)));
  }
  if (line === "spin") {
    writer.write("begun\n");
    for (;;);
  }
  if (line === "hoard") for (const hoard: unknown[] = []; ; ) hoard.push(new Array(1000).fill(hoard.length));
}

/** Ends its worker as soon as there is such a file. */
export function crashOnceThereIs(file: string): void {
  setInterval(() => existsSync(file) && process.exit(9), 10);
}

export const noFunction = 1;
