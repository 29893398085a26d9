import { NotImplementedError } from "../../core/errors.ts";
import type { SocketCalls } from "../socket-calls.ts";

/** There are no sockets of the user's own: what works on them says so. */
export class NoSocketCalls implements SocketCalls {
  recv(): never {
    throw unavailable("sockRecv", "createConnection");
  }

  recvInto(): never {
    throw unavailable("sockRecvInto", "createConnection with a BufferedProtocol");
  }

  recvfrom(): never {
    throw unavailable("sockRecvfrom", "createDatagramEndpoint");
  }

  recvfromInto(): never {
    throw unavailable("sockRecvfromInto", "createDatagramEndpoint");
  }

  sendall(): never {
    throw unavailable("sockSendall", "createConnection");
  }

  sendto(): never {
    throw unavailable("sockSendto", "createDatagramEndpoint");
  }

  connect(): never {
    throw unavailable("sockConnect", "createConnection");
  }

  accept(): never {
    throw unavailable("sockAccept", "createServer");
  }

  sendfile(): never {
    throw unavailable("sockSendfile", "sendfile");
  }
}

function unavailable(method: string, alternative: string): NotImplementedError {
  return new NotImplementedError(
    `${method}() is not possible on the portable backend, because Node does not show its sockets; ` +
      `use loop.${alternative}, or the native backend (Linux, with koffi installed)`,
  );
}
