#define _GNU_SOURCE
#include "channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

#include "common.h"

/* So many bytes at the end of a line are looked at; those before them, on TCP, are only counted. */
#define LOOKED_AT 4096
/* From this size on it is cheaper to send from a file. */
#define LONG 16384

static bool is_tcp, is_udp, is_tls, is_unix;
static const char *address;
static size_t size;
static char *line;
/* The line once more, if it is long and goes out by TCP: sent from a file, it need not be copied. */
static int file = -1;
static char received[256 * 1024];

void use_channels(const char *kind, const char *where, size_t bytes)
{
	is_tcp = strcmp(kind, "tcp") == 0;
	is_udp = strcmp(kind, "udp") == 0;
	is_tls = strcmp(kind, "tls") == 0;
	is_unix = strcmp(kind, "unix") == 0;
	if (!is_tcp && !is_udp && !is_tls && !is_unix)
		fail("there is no kind %s", kind);
	address = where;
	size = bytes;
	line = malloc(size);
	if (line == NULL)
		fail_errno("malloc");
	memset(line, 'x', size);
	line[size - 1] = '\n';
	if (!is_tcp || size < LONG)
		return;
	file = memfd_create("line", 0);
	if (file < 0 || write(file, line, size) != (ssize_t)size)
		fail_errno("memfd_create");
}

#ifdef WITH_TLS
static SSL *shake_hands(int fd)
{
	static SSL_CTX *context;
	if (context == NULL) {
		context = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	SSL *tls = SSL_new(context);
	if (!SSL_set_fd(tls, fd) || SSL_connect(tls) != 1)
		fail("the TLS handshake failed");
	return tls;
}

static size_t tls_result(SSL *tls, int result)
{
	if (result > 0)
		return result;
	int error = SSL_get_error(tls, result);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail("the TLS connection broke off");
	return 0;
}

static size_t tls_send(SSL *tls, const char *from, size_t count)
{
	return tls_result(tls, SSL_write(tls, from, (int)count));
}

static size_t tls_receive(SSL *tls)
{
	return tls_result(tls, SSL_read(tls, received, sizeof received));
}
#else
static void *shake_hands(int fd)
{
	(void)fd;
	fail("this was built without TLS");
}

static size_t tls_send(void *tls, const char *from, size_t count)
{
	(void)tls, (void)from;
	return count;
}

static size_t tls_receive(void *tls)
{
	(void)tls;
	return 0;
}
#endif

void open_channel(struct channel *channel)
{
	struct sockaddr_in internet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	internet.sin_port = htons(atoi(address));
	snprintf(local.sun_path, sizeof local.sun_path, "%s", address);
	struct sockaddr *peer = is_unix ? (struct sockaddr *)&local : (struct sockaddr *)&internet;
	int fd = socket(peer->sa_family, is_udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, peer, is_unix ? sizeof local : sizeof internet) < 0)
		fail_errno("connect");
	if (is_tcp || is_tls)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	channel->fd = fd;
	channel->tls = is_tls ? shake_hands(fd) : NULL;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

size_t send_line(struct channel *channel, size_t offset)
{
	if (channel->tls != NULL)
		return tls_send(channel->tls, line + offset, size - offset);
	off_t at = offset;
	ssize_t count = file >= 0 ? sendfile(channel->fd, file, &at, size - offset)
				  : send(channel->fd, line + offset, size - offset, 0);
	if (count < 0 && errno != EAGAIN)
		fail_errno("send");
	return count < 0 ? 0 : count;
}

static size_t receive(struct channel *channel, size_t room, int flags)
{
	ssize_t count = recv(channel->fd, received, room, flags);
	if (count == 0)
		fail("the server closed a connection");
	if (count < 0 && errno != EAGAIN)
		fail_errno("recv");
	return count < 0 ? 0 : count;
}

size_t receive_line(struct channel *channel, size_t missing, bool *empty)
{
	/* With MSG_TRUNC, TCP drops bytes without copying them. */
	bool dropping = is_tcp && missing > LOOKED_AT;
	size_t room = dropping ? missing - LOOKED_AT : sizeof received;
	size_t count = channel->tls != NULL ? tls_receive(channel->tls)
					    : receive(channel, room, dropping ? MSG_TRUNC : 0);
	*empty = count == 0 || (channel->tls == NULL && count < room);
	if (count > missing)
		fail("more came back than was sent");
	if (count > 0 && count == missing && received[count - 1] != '\n')
		fail("what came back is not what was sent");
	return count;
}
