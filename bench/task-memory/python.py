"""python3 python.py asyncio|uvloop SIZE: what a task takes that waits for a future of its own."""

import asyncio
import gc
import json
import os
import re
import sys

WARM_UP = 1000


async def wait():
    await asyncio.get_running_loop().create_future()


def memory():
    gc.collect()
    return int(re.search(r"^Rss: +(\d+) kB", open("/proc/self/smaps_rollup").read(), re.M)[1]) * 1024


async def growth(size):
    tasks = [asyncio.create_task(wait()) for _ in range(WARM_UP)]
    await asyncio.sleep(0)
    before = memory()
    for _ in range(size):
        tasks.append(asyncio.create_task(wait()))
    await asyncio.sleep(0)
    return (memory() - before) / size


async def main(size):
    print(json.dumps({"resident": await growth(size)}), flush=True)
    # To end all those tasks one by one is not what is measured.
    os._exit(0)


if __name__ == "__main__":
    which, size = sys.argv[1:]
    if which == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(int(size)))
