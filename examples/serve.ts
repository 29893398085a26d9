import { Cluster, openConnection, run, type StreamReader, type StreamWriter, work } from "../src/index.ts";

export const title = "A server in two processes, which is restarted while clients come";

/** Runs in the workers, which import this module for it. */
export async function square(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(`${Number(line.toString()) ** 2} ${process.pid}\n`);
    await writer.drain();
  }
  writer.close();
}

async function ask(port: number, number: number): Promise<string[]> {
  const [reader, writer] = await openConnection("127.0.0.1", port);
  writer.write(`${number}\n`);
  const answer = await reader.readline();
  writer.close();
  await writer.waitClosed();
  return answer.toString().trim().split(" ");
}

export async function main(): Promise<void> {
  await run(async () => {
    await using cluster = new Cluster(work(import.meta, square), { host: "127.0.0.1", workers: 2 });
    await cluster.start();
    const [, port] = cluster.addresses[0] as [string, number];

    const pids = new Set<string>();
    const restart = cluster.getLoop().createTask(cluster.restart());
    let answered = 0;
    for (; !restart.done() || answered < 100; answered++) {
      const [answer, pid] = (await ask(port, answered)) as [string, string];
      if (Number(answer) === answered ** 2) pids.add(pid);
    }
    await restart;
    console.log("all of them answered:", answered >= 100);
    console.log("by more than two processes:", pids.size > 2);
  });
}
