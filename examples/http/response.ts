import { closeSync, readSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { getRunningLoop, type StreamWriter } from "../../src/index.ts";

export type Headers = Readonly<Record<string, string | number>>;

/** Everything before the body. */
export function head(status: number, headers: Headers, keepAlive: boolean): string {
  let lines = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
  return `${lines}Connection: ${keepAlive ? "keep-alive" : "close"}\r\n\r\n`;
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
export async function send({ head, fd, offset, count }: Answer, writer: StreamWriter): Promise<void> {
  try {
    let sent: number;
    if (count <= SMALL) {
      const body = Buffer.allocUnsafe(count);
      sent = readSync(fd, body, 0, count, offset);
      writer.writelines([head, body.subarray(0, sent)]);
    } else {
      writer.write(head);
      sent = await getRunningLoop().sendfile(writer.transport, fd, { offset, count });
    }
    // The file has become shorter: a connection that breaks off is all that can still be said.
    if (sent < count) writer.transport.abort();
  } finally {
    closeSync(fd);
  }
}
