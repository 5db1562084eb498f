/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "lmtp.h"

#define READ 65536 /* bytes at once */
#define ACCEPTS 16 /* before the others have their turn */

struct connection {
	int fd;
	struct lmtp lmtp;
	char *pending; /* owned; read, but not yet taken in */
	size_t at, n; /* of pending */
	int64_t due_ms;
	bool dead; /* to be freed */
};

struct feed_server {
	struct feed_taker *taker;
	char *host; /* owned */
	struct feed_place place;
	int fd;
	struct connection **list; /* owned */
	size_t n, max;
};

enum mt_rc
feed_server_new(struct feed_taker *taker, struct feed_server **ret_server,
    struct mt_err *err)
{
	struct feed_place place;
	struct feed_server *s;
	int fd = -1;

	*ret_server = NULL;
	if (feed_place_read(taker->o, &place, err) != MT_OK)
		return err->rc;
	if (place.none)
		return MT_OK;
	if (feed_place_open(&place, taker->o->listen_group, &fd, err) != MT_OK)
		return err->rc;
	s = mt_alloc(sizeof(*s));
	s->taker = taker;
	s->host = mt_str_dup(taker->site.host);
	s->place = place;
	s->fd = fd;
	s->max = taker->o->connections;
	s->list = mt_alloc_array(s->max, sizeof(struct connection *));
	*ret_server = s;
	return MT_OK;
}

/* The reply to a message. */
static void
take(void *arg, struct mt_str message, struct mt_buf *reply)
{
	struct feed_server *s = arg;
	struct mt_notices_outcome outcome;
	struct mt_err err;

	if (feed_take(s->taker, "lmtp", message, &outcome, &err) != MT_OK)
		mt_buf_printf(reply, "451 4.3.0 %.200s", err.msg);
	else if (outcome.notices == 0)
		mt_buf_printf(
		    reply, "250 2.0.0 passed over: %.200s", outcome.why.msg);
	else
		mt_buf_printf(reply, "250 2.0.0 taken notices=%zu report=%s",
		    outcome.notices, outcome.hash);
}

static int64_t
due(const struct feed_server *s)
{
	return mt_clock_mono_ms() + (int64_t)s->taker->o->timeout_ms;
}

static void
add(struct feed_server *s, int fd)
{
	struct connection *c = mt_alloc(sizeof(*c));

	c->fd = fd;
	c->pending = mt_alloc(READ);
	c->due_ms = due(s);
	lmtp_init(&c->lmtp, s->host, MT_MAX_REPORT, take, s);
	s->list[s->n++] = c;
}

static void
drop(struct connection *c)
{
	(void)close(c->fd);
	lmtp_done(&c->lmtp);
	mt_free(c->pending);
	mt_free(c);
}

/* Send what can be sent; a client who is gone is dead. */
static void
flush(struct feed_server *s, struct connection *c)
{
	struct mt_buf *out = &c->lmtp.out;
	ssize_t n;

	while (out->n > 0 && !c->dead) {
		n = send(c->fd, out->p, out->n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			c->dead = true;
			return;
		}
		memmove(out->p, out->p + n, out->n - (size_t)n);
		out->n -= (size_t)n;
		c->due_ms = due(s);
	}
	if (c->lmtp.state == LMTP_OVER)
		c->dead = true;
}

/* Take in what was read, as far as there is room for the replies. */
static void
digest(struct feed_server *s, struct connection *c)
{
	size_t n;

	do {
		n = lmtp_input(&c->lmtp, c->pending + c->at, c->n - c->at);
		c->at += n;
		flush(s, c);
	} while (c->at < c->n && !c->dead && (n > 0 || c->lmtp.out.n == 0));
	if (c->at == c->n)
		c->at = c->n = 0;
}

static void
receive(struct feed_server *s, struct connection *c)
{
	ssize_t n;

	n = recv(c->fd, c->pending, READ, MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->dead = true;
		return;
	}
	c->n = (size_t)n;
	c->due_ms = due(s);
	digest(s, c);
}

static void
accept_some(struct feed_server *s)
{
	unsigned i;
	int fd;

	for (i = 0; i < ACCEPTS && s->n < s->max; i++) {
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			add(s, fd);
			flush(s, s->list[s->n - 1]);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			mt_log_every(60, MT_LOG_WARNING,
			    "accept: %s; trying again", strerrordesc_np(errno));
		return;
	}
}

size_t
feed_server_most(const struct feed_server *s)
{
	return s != NULL ? 1 + s->max : 0;
}

size_t
feed_server_wants(const struct feed_server *s, struct pollfd *fds)
{
	const struct connection *c;
	size_t i;

	if (s == NULL)
		return 0;
	/* Who comes too many waits in the listening queue. */
	fds[0] = (struct pollfd){ .fd = s->n < s->max ? s->fd : -1,
		.events = POLLIN };
	for (i = 0; i < s->n; i++) {
		c = s->list[i];
		fds[1 + i] = (struct pollfd){ .fd = c->fd,
			.events = c->lmtp.out.n > 0 ? POLLOUT : POLLIN };
	}
	return 1 + s->n;
}

static void
work_on(struct feed_server *s, struct connection *c, int events, int64_t now)
{
	if (events != 0 && c->lmtp.out.n > 0) {
		flush(s, c);
		if (c->lmtp.out.n == 0 && c->n > 0 && !c->dead)
			digest(s, c);
	} else if (events != 0) {
		receive(s, c);
	}
	if (!c->dead && now >= c->due_ms) {
		lmtp_end(&c->lmtp, "421 4.4.2 silent for too long");
		flush(s, c);
		c->dead = true;
	}
}

void
feed_server_work(
    struct feed_server *s, const struct pollfd *fds, int64_t now_ms)
{
	size_t i, kept = 0, n;

	if (s == NULL)
		return;
	n = s->n;
	for (i = 0; i < n; i++)
		work_on(s, s->list[i], fds[1 + i].revents, now_ms);
	for (i = 0; i < n; i++) {
		if (s->list[i]->dead)
			drop(s->list[i]);
		else
			s->list[kept++] = s->list[i];
	}
	s->n = kept;
	if (fds[0].revents != 0)
		accept_some(s);
}

int64_t
feed_server_due_ms(const struct feed_server *s)
{
	int64_t first = INT64_MAX;
	size_t i;

	for (i = 0; s != NULL && i < s->n; i++)
		if (s->list[i]->due_ms < first)
			first = s->list[i]->due_ms;
	return first;
}

void
feed_server_free(struct feed_server *s)
{
	struct connection *c;
	size_t i;

	if (s == NULL)
		return;
	mt_listen_hide(&s->place.at);
	(void)close(s->fd);
	for (i = 0; i < s->n; i++) {
		c = s->list[i];
		/* In a message that is not whole, any reply would be a lie. */
		if (c->lmtp.state != LMTP_DATA) {
			lmtp_end(&c->lmtp, "421 4.3.2 going away");
			flush(s, c);
		}
		drop(c);
	}
	mt_free(s->list);
	mt_free(s->host);
	mt_free(s);
}
