import { getRunningLoop, NotImplementedError, run, socketpair } from "../src/index.ts";

export const title = "addReader on one end of a socketpair";

export async function main(): Promise<void> {
  await run(async () => {
    const loop = getRunningLoop();
    using pair = openPair();
    const received = loop.createFuture<string>();
    loop.addReader(pair.reader, () => received.setResult(pair.reader.recv(100).toString()));
    loop.callSoon(() => pair.writer.send("abc"));
    console.log(`received: ${await received}`);
    loop.removeReader(pair.reader);
  }).catch(tellIfNotImplemented);
}

function openPair() {
  const [reader, writer] = socketpair();
  return {
    reader,
    writer,
    [Symbol.dispose]() {
      reader.close();
      writer.close();
    },
  };
}

/** Watching a raw file descriptor takes the native backend: Linux, with koffi installed. */
function tellIfNotImplemented(error: unknown): void {
  if (!(error instanceof NotImplementedError)) throw error;
  console.log(`not on this machine: ${error.message}`);
}
