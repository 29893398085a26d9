"""python3 python.py asyncio|uvloop NAME[,NAME...] SIZE: programs of asyncio. Those of generator.ts and async.ts do the same."""

import asyncio
import json
import math
import sys
import time

WARM_UP = 0.2
BATCH = 10_000


async def nap():
    await asyncio.sleep(0)


async def naps(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def switch(size):
    count = min(size, 1000)
    tasks = [asyncio.create_task(naps(size // count)) for _ in range(count)]
    for task in tasks:
        await task


async def spawn(size):
    count = min(size, BATCH)
    for _ in range(size // count):
        tasks = [asyncio.create_task(nap()) for _ in range(count)]
        for task in tasks:
            await task


async def play(balls, me, times):
    loop = asyncio.get_running_loop()
    for _ in range(times):
        await balls[me]
        balls[me] = loop.create_future()
        balls[1 - me].set_result(None)


async def hand_over(size):
    loop = asyncio.get_running_loop()
    balls = [loop.create_future(), loop.create_future()]
    players = [asyncio.create_task(play(balls, me, size // 2)) for me in (0, 1)]
    balls[0].set_result(None)
    for player in players:
        await player


async def put(queue, times):
    for i in range(times):
        await queue.put(i)


async def get(queue, times):
    for _ in range(times):
        await queue.get()


async def pass_through(size, pairs):
    queue = asyncio.Queue(10)
    times = size // pairs
    putting = [asyncio.create_task(put(queue, times)) for _ in range(pairs)]
    getting = [asyncio.create_task(get(queue, times)) for _ in range(pairs)]
    for task in [*putting, *getting]:
        await task


async def hold(lock, times):
    for _ in range(times):
        async with lock:
            await asyncio.sleep(0)


async def contend(size):
    lock = asyncio.Lock()
    tasks = [asyncio.create_task(hold(lock, size // 10)) for _ in range(10)]
    for task in tasks:
        await task


async def wait_for_all(events):
    for event in events:
        await event.wait()


async def broadcast(size):
    count = min(size, BATCH)
    events = [asyncio.Event() for _ in range(size // count)]
    tasks = [asyncio.create_task(wait_for_all(events)) for _ in range(count)]
    await asyncio.sleep(0)
    for event in events:
        event.set()
        await asyncio.sleep(0)
    for task in tasks:
        await task


async def gather_batches(size):
    count = min(size, BATCH)
    for _ in range(size // count):
        await asyncio.gather(*[nap() for _ in range(count)])


async def group(count):
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(nap())


async def groups(size):
    count = min(size, BATCH)
    for _ in range(size // count):
        await group(count)


async def waits_for(size):
    for _ in range(size):
        await asyncio.wait_for(nap(), 10)


async def timeouts(size):
    for _ in range(size):
        async with asyncio.timeout(10):
            await nap()


async def nest(depth):
    if depth == 1:
        await asyncio.sleep(0)
    else:
        await nest(depth - 1)


async def depth(size):
    for _ in range(size):
        await nest(20)


def nothing():
    pass


async def call_soon(size):
    loop = asyncio.get_running_loop()
    count = min(size, BATCH)
    for _ in range(size // count):
        for _ in range(count):
            loop.call_soon(nothing)
        await asyncio.sleep(0)


async def call_later(size):
    loop = asyncio.get_running_loop()
    count = min(size, BATCH)
    for _ in range(size // count):
        timers = [loop.call_later(10, nothing) for _ in range(count)]
        for timer in timers:
            timer.cancel()
        await asyncio.sleep(0)


async def subprocess(size):
    for _ in range(size):
        process = await asyncio.create_subprocess_exec("/bin/true")
        await process.wait()


async def thread(size):
    loop = asyncio.get_running_loop()
    for i in range(size):
        await loop.run_in_executor(None, abs, i)


PROGRAMS = {
    "switch": switch,
    "spawn": spawn,
    "hand-over": hand_over,
    "queue-1": lambda size: pass_through(size, 1),
    "queue-10": lambda size: pass_through(size, 10),
    "lock": contend,
    "event": broadcast,
    "gather": gather_batches,
    "task-group": groups,
    "wait-for": waits_for,
    "timeout": timeouts,
    "depth": depth,
    "call-soon": call_soon,
    "call-later": call_later,
    "subprocess": subprocess,
    "thread": thread,
}


async def main(names, size):
    operations = seconds = 0
    for name in names.split(","):
        program = PROGRAMS[name]
        await asyncio.create_task(program(math.ceil(size * WARM_UP)))
        begin = time.perf_counter()
        await asyncio.create_task(program(size))
        seconds += time.perf_counter() - begin
        operations += size
    print(json.dumps({"operations": operations / seconds}))


if __name__ == "__main__":
    which, names, size = sys.argv[1:]
    if which == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(names, int(size)))
