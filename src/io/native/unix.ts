import type { Waiting } from "../backend.ts";
import { AF_UNIX, SOCK_STREAM } from "../socket-constants.ts";
import { connect } from "./connecting.ts";
import type { SelectorEvents } from "./selector-events.ts";
import { Socket } from "./socket.ts";

/** A socket connected to the unix socket `path`. Cancel safety: the attempt is given up. */
export function* connectToUnix(events: SelectorEvents, path: string): Waiting<Socket> {
  const sock = new Socket(AF_UNIX, SOCK_STREAM);
  try {
    yield* connect(events, sock, path);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** A socket bound to `path`. */
export function bindUnix(path: string): Socket {
  const sock = new Socket(AF_UNIX, SOCK_STREAM);
  try {
    sock.bind(path);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}
