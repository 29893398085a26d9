import { closeSync, readSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { getRunningLoop, type StreamWriter } from "../../src/index.ts";
import type { Steps } from "./request.ts";

export type Headers = Readonly<Record<string, string | number>>;

/** Everything before the body, in ASCII. */
export function head(status: number, headers: Headers, keepAlive: boolean): string {
  let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${httpDate(Date.now())}\r\n`;
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
  return `${lines}Connection: ${keepAlive ? "keep-alive" : "close"}\r\n\r\n`;
}

const dates = new Map<number, string>();

/** A time as HTTP writes it. The text takes as long as a system call, so it is kept: most are asked for again. */
export function httpDate(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  const known = dates.get(second);
  if (known !== undefined) return known;
  const text = new Date(second * 1000).toUTCString();
  if (dates.size >= 1000) dates.clear();
  dates.set(second, text);
  return text;
}

/** What a request is answered with: the head, then so many bytes of an open file. */
export interface Answer {
  readonly head: string;
  readonly fd: number;
  readonly offset: number;
  readonly count: number;
}

/** Up to so many bytes go out in one write with their head. */
const SMALL = 64 * 1024;

/** Send it, and close the file. */
export function* send(answer: Answer, writer: StreamWriter): Steps<void> {
  const { head, fd, offset, count } = answer;
  try {
    let sent: number;
    if (count <= SMALL) {
      const bytes = Buffer.allocUnsafe(head.length + count);
      bytes.write(head, "latin1");
      sent = readSync(fd, bytes, head.length, count, offset);
      writer.write(bytes.subarray(0, head.length + sent));
    } else {
      writer.write(head);
      sent = yield* getRunningLoop().sendfile(writer.transport, fd, { offset, count });
    }
    // The file has become shorter: a connection that breaks off is all that can still be said.
    if (sent < count) writer.transport.abort();
  } finally {
    closeSync(fd);
  }
}
