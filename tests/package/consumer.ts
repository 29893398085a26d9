/** A user's program, checked against the built package's types alone, and run against its code. */
import {
  coroutine,
  createTask,
  gather,
  getRunningLoop,
  openConnection,
  Protocol,
  run,
  sleep,
  startServer,
  type Transport,
  timeout,
} from "asyncio-ts";
import { BullmqExecutor, type BullmqJobOptions } from "asyncio-ts/executors/bullmq";
import { VirtualClock } from "asyncio-ts/testing";

class Shout extends Protocol {
  #transport: Transport | null = null;

  override connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  override dataReceived(data: Buffer): void {
    this.#transport?.write(data.toString().toUpperCase());
  }
}

const twice = coroutine(function* (n: number) {
  yield* sleep(0);
  return 2 * n;
});

const both: [number, string] = await run(async () => gather(twice(1), async () => "x"));
const limited: number = await run(function* () {
  const task = createTask(twice(21));
  const n: number = yield* task;
  return yield* timeout(1, async () => n);
});
const echoed: string = await run(async () => {
  await using server = await startServer(
    async (reader, writer) => {
      writer.write(await reader.readline());
      writer.close();
    },
    "127.0.0.1",
    0,
  );
  const [host, port] = server.sockets[0]!.getsockname() as [string, number];
  const [reader, writer] = await openConnection(host, port);
  writer.write("hello\n");
  const line = await reader.readline();
  writer.close();
  const shouting = await getRunningLoop().createServer(() => new Shout(), "127.0.0.1", 0);
  shouting.close();
  return line.toString();
});
console.log(JSON.stringify([both, limited, echoed, new VirtualClock().time()]));

const options: BullmqJobOptions = { retries: 1, backoff: { type: "exponential", delay: 1 } };
export const submit = (url: string): PromiseLike<number> =>
  new BullmqExecutor("numbers", { redis: url }).with(options).submit((a: number, b: number) => a + b, 1, 2);
