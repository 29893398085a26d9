"""python3 python.py asyncio|uvloop protocol|streams: an echo server."""

import asyncio
import gc
import json
import re
import resource
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


def memory():
    for _ in range(4):
        gc.collect()
    rollup = open("/proc/self/smaps_rollup").read()
    kilobytes = lambda name: int(re.search(rf"^{name}: +(\d+) kB", rollup, re.M)[1])
    return {"rss": kilobytes("Rss") * 1024, "pss": kilobytes("Pss") * 1024, "heap": 0}


def answer(loop):
    if not sys.stdin.buffer.readline():
        sys.exit()
    print(json.dumps(memory()), flush=True)


async def main(api):
    loop = asyncio.get_running_loop()
    # An error of the peer's end is not what is measured.
    loop.set_exception_handler(lambda loop, context: None)
    where = {"host": "127.0.0.1", "port": 0, "backlog": 1024}
    if api == "protocol":
        server = await loop.create_server(Echo, **where)
    else:
        server = await asyncio.start_server(serve, **where)
    loop.add_reader(0, answer, loop)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    which, api = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if which == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(api))
