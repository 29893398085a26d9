#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A socket that is connected to the server, with TLS if need be. It never blocks. */
struct channel {
	int fd;
	/* An SSL, or NULL. */
	void *tls;
};

/* Say what all channels are: tcp, udp, tls (address: a port) or unix (a path), and send lines of so many bytes. */
void use_channels(const char *kind, const char *address, size_t line);

void open_channel(struct channel *channel);

/* Send what the line has from `offset` on: how many bytes went out, 0 if none can at the moment. */
size_t send_line(struct channel *channel, size_t offset);

/*
 * Receive bytes of a line of which so many are missing: how many came in, 0 if there are none at the moment. Sets `empty` if
 * the kernel has no more. Ends the program if it is not what was sent.
 */
size_t receive_line(struct channel *channel, size_t missing, bool *empty);
