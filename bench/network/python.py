"""python3 python.py --loop asyncio|uvloop --kind KIND [--path PATH] [--cert FILE --key FILE]: an echo server."""

import argparse
import asyncio
import json
import socket
import ssl

HOST = "127.0.0.1"
BACKLOG = 1024
READ = 64 * 1024
# For the streams: the longest line.
LIMIT = 2**25


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class BufferedEcho(asyncio.BufferedProtocol):
    def connection_made(self, transport):
        self.transport = transport
        self.memory = memoryview(bytearray(READ))

    def get_buffer(self, size_hint):
        return self.memory

    def buffer_updated(self, count):
        # A copy: what the kernel does not take at once must not change.
        self.transport.write(bytes(self.memory[:count]))


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve_stream(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def serve_socket(sock):
    loop = asyncio.get_running_loop()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := await loop.sock_recv(sock, READ):
        await loop.sock_sendall(sock, data)
    sock.close()


async def accept_sockets(listener, tasks):
    loop = asyncio.get_running_loop()
    while True:
        sock, _ = await loop.sock_accept(listener)
        task = loop.create_task(serve_socket(sock))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def listen_with_socket(options):
    listener = socket.socket()
    listener.setblocking(False)
    listener.bind((HOST, 0))
    listener.listen(BACKLOG)
    tasks = set()
    tasks.add(asyncio.create_task(accept_sockets(listener, tasks)))
    return listener.getsockname()[1], tasks


async def listen_for_datagrams(options):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(DatagramEcho, local_addr=(HOST, 0))
    return transport.get_extra_info("sockname")[1], transport


async def listen_with_streams(options):
    server = await asyncio.start_server(serve_stream, HOST, 0, backlog=BACKLOG, limit=LIMIT)
    return server.sockets[0].getsockname()[1], server


async def listen_with_protocol(options):
    loop = asyncio.get_running_loop()
    factory = BufferedEcho if options.kind == "buffered" else Echo
    if options.path:
        return 0, await loop.create_unix_server(factory, options.path, backlog=BACKLOG)
    context = None
    if options.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.cert, options.key)
    server = await loop.create_server(factory, HOST, 0, backlog=BACKLOG, ssl=context)
    return server.sockets[0].getsockname()[1], server


LISTEN = {
    "protocol": listen_with_protocol,
    "buffered": listen_with_protocol,
    "streams": listen_with_streams,
    "sock": listen_with_socket,
    "udp": listen_for_datagrams,
}


async def main(options):
    loop = asyncio.get_running_loop()
    # An error of the peer's end is not what is measured.
    loop.set_exception_handler(lambda loop, context: None)
    port, kept = await LISTEN[options.kind](options)
    print(json.dumps({"port": port}), flush=True)
    await loop.create_future()
    del kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], required=True)
    parser.add_argument("--kind", choices=LISTEN, required=True)
    parser.add_argument("--path")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    if options.loop == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(main(options))
