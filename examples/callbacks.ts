import { type EventLoop, newEventLoop } from "../src/index.ts";

export const title = "callSoon and callLater: the date, each second";

function displayDate(end: number, loop: EventLoop): void {
  console.log(new Date().toISOString());
  if (loop.time() + 1 < end) loop.callLater(1, displayDate, end, loop);
  else loop.stop();
}

export async function main(): Promise<void> {
  const loop = newEventLoop();
  const end = loop.time() + 3;
  loop.callSoon(displayDate, end, loop);
  await loop.runForever();
  loop.close();
}
