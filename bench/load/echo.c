/*
 * echo KIND [PATH]
 *
 * An echo server: one thread, epoll, and nothing that is not needed. It is what a program on this system can reach. KIND is
 * tcp, udp or unix (at PATH). Prints {"port": …} when it listens.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 1024
#define BACKLOG 1024

struct connection {
	int fd;
	/* What the kernel did not take yet. Nothing is read meanwhile. */
	char *unsent;
	size_t begin, end;
};

static int epoll;
static char buffer[256 * 1024];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int operation, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };
	if (epoll_ctl(epoll, operation, fd, &event) < 0)
		fail("epoll_ctl");
}

static void close_connection(struct connection *c)
{
	close(c->fd);
	free(c->unsent);
	free(c);
}

/* How many bytes went out, or -1 if the connection is broken. */
static ssize_t send_some(struct connection *c, const char *data, size_t size)
{
	ssize_t count = send(c->fd, data, size, MSG_NOSIGNAL);
	return count < 0 && errno == EAGAIN ? 0 : count;
}

static void keep(struct connection *c, const char *data, size_t size)
{
	c->unsent = malloc(size);
	if (c->unsent == NULL)
		fail("malloc");
	memcpy(c->unsent, data, size);
	c->begin = 0;
	c->end = size;
	watch(EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static void echo(struct connection *c)
{
	ssize_t count = recv(c->fd, buffer, sizeof buffer, 0);
	if (count < 0 && errno == EAGAIN)
		return;
	ssize_t sent = count > 0 ? send_some(c, buffer, count) : -1;
	if (sent < 0)
		close_connection(c);
	else if (sent < count)
		keep(c, buffer + sent, count - sent);
}

static void flush(struct connection *c)
{
	ssize_t sent = send_some(c, c->unsent + c->begin, c->end - c->begin);
	if (sent < 0)
		return close_connection(c);
	c->begin += sent;
	if (c->begin < c->end)
		return;
	free(c->unsent);
	c->unsent = NULL;
	watch(EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static void accept_all(int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof *c);
		if (c == NULL)
			fail("calloc");
		c->fd = fd;
		/* On a unix socket it fails, and is not needed. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

static void serve_streams(int listener)
{
	static struct epoll_event events[EVENTS];
	if (listen(listener, BACKLOG) < 0)
		fail("listen");
	fflush(stdout);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			struct connection *c = events[i].data.ptr;
			if (c == NULL)
				accept_all(listener);
			else if (c->unsent != NULL)
				flush(c);
			else
				echo(c);
		}
	}
}

static void serve_datagrams(int fd)
{
	struct sockaddr_in peer;
	struct epoll_event event;
	watch(EPOLL_CTL_ADD, fd, EPOLLIN, NULL);
	for (;;) {
		epoll_wait(epoll, &event, 1, -1);
		for (;;) {
			socklen_t length = sizeof peer;
			ssize_t count = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&peer, &length);
			if (count < 0)
				break;
			sendto(fd, buffer, count, 0, (struct sockaddr *)&peer, length);
		}
	}
}

static int bind_port(int type)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0)
		fail("bind");
	getsockname(fd, (struct sockaddr *)&address, &length);
	printf("{\"port\": %d}\n", ntohs(address.sin_port));
	return fd;
}

static int bind_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail("bind");
	puts("{\"port\": 0}");
	return fd;
}

static void allow_many_files(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	bool is_unix = strcmp(kind, "unix") == 0;
	bool is_udp = strcmp(kind, "udp") == 0;
	if (argc != (is_unix ? 3 : 2) || (!is_unix && !is_udp && strcmp(kind, "tcp") != 0)) {
		fprintf(stderr, "usage: echo tcp|udp|unix [PATH]\n");
		return 2;
	}
	allow_many_files();
	epoll = epoll_create1(0);
	int fd = is_unix ? bind_path(argv[2]) : bind_port(is_udp ? SOCK_DGRAM : SOCK_STREAM);
	if (is_udp) {
		fflush(stdout);
		serve_datagrams(fd);
	}
	serve_streams(fd);
}
