/*
 * load KIND ADDRESS CONNECTIONS SIZE WARM-UP MILLISECONDS PID
 *
 * Makes connections to an echo server, and on each sends a line of SIZE bytes, waits until it is back, and begins again.
 * KIND is tcp, udp or tls (ADDRESS: a port of this machine) or unix (a path). PID is the server's. Prints JSON: round trips
 * per second, how long one takes, and how busy the two processes are: the one at 100 % is what is measured.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "channel.h"
#include "common.h"
#include "figures.h"

#define MILLISECOND 1000000ull
#define PATIENCE (30 * NANOSECONDS)
/* Connections that are opened at once: less than a server's backlog. */
#define BATCH 200
#define EVENTS 1024

struct connection {
	struct channel channel;
	size_t unsent;
	size_t missing;
	uint64_t began;
	bool watches_writing;
};

static int epoll;
static size_t size;
/* Whether a connection whose line is back sends the next one. */
static bool going_on;
static long outstanding;
static uint64_t trips;

static void watch(struct connection *c, int operation, bool writing)
{
	/* Edge-triggered, because the kernel then has less to do; so all that is there is to be read. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET | (writing ? EPOLLOUT : 0), .data.ptr = c };
	if (epoll_ctl(epoll, operation, c->channel.fd, &event) < 0)
		fail_errno("epoll_ctl");
	c->watches_writing = writing;
}

static void push(struct connection *c)
{
	size_t count;
	while (c->unsent > 0 && (count = send_line(&c->channel, size - c->unsent)) > 0)
		c->unsent -= count;
	bool writing = c->unsent > 0;
	if (writing != c->watches_writing)
		watch(c, EPOLL_CTL_MOD, writing);
}

static void begin_trip(struct connection *c, uint64_t time)
{
	outstanding++;
	c->unsent = c->missing = size;
	c->began = time;
	push(c);
}

static void end_trip(struct connection *c)
{
	uint64_t time = now();
	if (c->unsent > 0)
		fail("more came back than was sent");
	outstanding--;
	trips++;
	count_trip(time - c->began);
	if (going_on)
		begin_trip(c, time);
}

static void pull(struct connection *c)
{
	/* Also if nothing is missing: what comes in then is too much. */
	bool empty = false;
	while (!empty) {
		size_t count = receive_line(&c->channel, c->missing, &empty);
		c->missing -= count;
		if (count > 0 && c->missing == 0)
			return end_trip(c);
	}
}

static void turn(int timeout)
{
	static struct epoll_event events[EVENTS];
	int count = epoll_wait(epoll, events, EVENTS, timeout);
	if (count < 0)
		fail_errno("epoll_wait");
	for (int i = 0; i < count; i++) {
		struct connection *c = events[i].data.ptr;
		if (c->unsent > 0)
			push(c);
		if (events[i].events & ~EPOLLOUT)
			pull(c);
	}
}

/* Wait until all that was sent is back. */
static void settle(void)
{
	uint64_t limit = now() + PATIENCE;
	going_on = false;
	while (outstanding > 0) {
		turn(100);
		if (now() > limit)
			fail("%ld lines did not come back", outstanding);
	}
}

static void open_all(struct connection *connections, int count)
{
	for (int i = 0; i < count; i++) {
		open_channel(&connections[i].channel);
		watch(&connections[i], EPOLL_CTL_ADD, false);
		begin_trip(&connections[i], now());
		if ((i + 1) % BATCH == 0)
			settle();
	}
	settle();
}

/* At least one trip, however short the time is. */
static void go_on(uint64_t milliseconds)
{
	uint64_t end = now() + milliseconds * MILLISECOND;
	uint64_t limit = end + PATIENCE;
	uint64_t before = trips;
	while (now() < end || trips == before) {
		turn(1);
		if (now() > limit)
			fail("nothing came back");
	}
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
	if (argc != 8)
		fail("usage: load KIND ADDRESS CONNECTIONS SIZE WARM-UP MILLISECONDS PID");
	int count = atoi(argv[3]);
	size = strtoul(argv[4], NULL, 10);
	struct connection *connections = calloc(count, sizeof *connections);
	if (count < 1 || size < 1 || connections == NULL)
		fail("there must be connections, and a line");
	use_channels(argv[1], argv[2], size);
	signal(SIGPIPE, SIG_IGN);
	allow_many_files();
	epoll = epoll_create1(0);

	open_all(connections, count);
	going_on = true;
	for (int i = 0; i < count; i++)
		begin_trip(&connections[i], now());
	go_on(strtoul(argv[5], NULL, 10));
	begin_measuring(atoi(argv[7]));
	go_on(strtoul(argv[6], NULL, 10));
	end_measuring();
	settle();
	free(connections);
	return 0;
}
