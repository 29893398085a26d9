"""python3 python.py [DIRECTORY]: the same, of uvloop and httptools."""

import asyncio
import json
import os
import sys
from email.utils import formatdate
from time import time

import httptools
import uvloop

HELLO = b"Hello, world!\n"
TYPE = "Content-Type: text/plain; charset=utf-8\r\n"


class Date:
    """The time, as text that is made once a second."""

    second = None

    def text(self):
        second = int(time())
        if second != self.second:
            self.second = second
            self.value = formatdate(second, usegmt=True)
        return self.value


date = Date()


class Hello(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data):
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_url(self, url):
        self.url = url

    def on_message_complete(self):
        keep_alive = self.parser.should_keep_alive()
        headers, body = self.answer()
        head = (
            f"HTTP/1.1 200 OK\r\nDate: {date.text()}\r\n{TYPE}{headers}Content-Length: {len(body)}\r\n"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        if not keep_alive:
            self.transport.close()

    def answer(self):
        return "", HELLO


class Files(Hello):
    """With the calls that the example makes."""

    def answer(self):
        directory = sys.argv[1]
        path = os.path.realpath(directory + self.url.decode())
        if not path.startswith(directory):
            raise PermissionError(path)
        fd = os.open(path, os.O_RDONLY)
        status = os.fstat(fd)
        body = os.read(fd, status.st_size)
        os.close(fd)
        modified = formatdate(status.st_mtime, usegmt=True)
        return f"Last-Modified: {modified}\r\nAccept-Ranges: bytes\r\n", body


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Files if len(sys.argv) > 1 else Hello, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
