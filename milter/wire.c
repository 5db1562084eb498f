/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "base/buf.h"
#include "base/mem.h"

#define WIRE_TAIL 4096 /* one piece of kernel memory, taken whole */
#define HEAD 5 /* length and command */
#define NO_BODY SIZE_MAX

/* What a thread holds back between a callback's start and its answer. */
struct held {
	struct mt_buf bytes;
	size_t body_at; /* the body packet, while it is the last */
};

/*
 * The only mutable statics here: libmilter's interface has no other place for
 * what belongs to "the answer this thread is about to send".
 */
static _Thread_local struct held *held;
static atomic_bool ready;

bool
milter_wire_ready(void)
{
	return atomic_load(&ready);
}

void
milter_wire_hold(size_t max)
{
	milter_wire_drop();
	held = mt_alloc(sizeof(*held));
	mt_buf_init(&held->bytes, max);
	held->body_at = NO_BODY;
}

void
milter_wire_drop(void)
{
	if (held == NULL)
		return;
	mt_buf_done(&held->bytes);
	mt_free(held);
	held = NULL;
}

static bool
wait_writable(int fd, const struct timeval *timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int ms = -1;

	if (timeout != NULL)
		ms = (int)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000);
	for (;;) {
		switch (poll(&pfd, 1, ms)) {
		case 1:
			return true;
		case 0:
			errno = ETIMEDOUT;
			return false;
		default:
			if (errno != EINTR)
				return false;
		}
	}
}

static int
send_all(int fd, const struct timeval *timeout, const char *p, size_t n)
{
	ssize_t sent;

	while (n > 0) {
		sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0) {
			p += sent;
			n -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (!wait_writable(fd, timeout))
				return MI_FAILURE;
		} else if (errno != EINTR) {
			return MI_FAILURE;
		}
	}
	return MI_SUCCESS;
}

/* A packet's length counts its command. */
static void
put_head(char *at, int command, size_t n)
{
	uint32_t length = htonl((uint32_t)(n + 1));

	memcpy(at, &length, sizeof(length));
	at[4] = (char)command;
}

static int
add_packet(struct held *h, int command, const char *data, size_t n)
{
	char head[HEAD];

	if (command == SMFIR_REPLBODY && h->body_at != NO_BODY) {
		mt_buf_add(&h->bytes, data, n);
		if (!mt_buf_over(&h->bytes))
			put_head(h->bytes.p + h->body_at, command,
			    h->bytes.n - h->body_at - HEAD);
	} else {
		h->body_at = command == SMFIR_REPLBODY ? h->bytes.n : NO_BODY;
		put_head(head, command, n);
		mt_buf_add(&h->bytes, head, sizeof(head));
		mt_buf_add(&h->bytes, data, n);
	}
	return mt_buf_over(&h->bytes) ? MI_FAILURE : MI_SUCCESS;
}

static bool
is_change(int command)
{
	return command == SMFIR_REPLBODY || command == SMFIR_ADDHEADER ||
	    command == SMFIR_INSHEADER || command == SMFIR_CHGHEADER;
}

static int
flush(int fd, const struct timeval *timeout)
{
	struct mt_str all = mt_buf_view(&held->bytes);
	size_t tail = all.n < WIRE_TAIL ? all.n : WIRE_TAIL;
	int rc;

	rc = send_all(fd, timeout, all.p, all.n - tail);
	if (rc == MI_SUCCESS)
		rc = send_all(fd, timeout, all.p + all.n - tail, tail);
	milter_wire_drop();
	return rc;
}

/* An answer of its own: small, and so one write. */
static int
send_packet(
    int fd, const struct timeval *timeout, int command, char *data, size_t n)
{
	char small[256];

	if (n <= sizeof(small) - HEAD) {
		put_head(small, command, n);
		if (n > 0)
			memcpy(small + HEAD, data, n);
		return send_all(fd, timeout, small, n + HEAD);
	}
	put_head(small, command, n);
	if (send_all(fd, timeout, small, HEAD) != MI_SUCCESS)
		return MI_FAILURE;
	return send_all(fd, timeout, data, n);
}

int
mi_wr_cmd(int fd, struct timeval *timeout, int command, char *data, size_t n)
{
	int rc;

	atomic_store(&ready, true);
	if (n >= INT32_MAX)
		return MI_FAILURE;
	if (held == NULL)
		return send_packet(fd, timeout, command, data, n);
	rc = add_packet(held, command, data, n);
	if (is_change(command))
		return rc;
	if (rc != MI_SUCCESS) {
		/* No room for the answer: then without changes. */
		milter_wire_drop();
		return send_packet(fd, timeout, command, data, n);
	}
	return flush(fd, timeout);
}
