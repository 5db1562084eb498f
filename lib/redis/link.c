/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "redis/link.h"

/* Commands queued at once: a batch of dead letters, each an event. */
#define OUT_MAX (256u << 20)
#define READ_SIZE 65536
#define NUMBER_LEN 24

struct mt_link {
	const struct mt_redis_options *options; /* borrowed */
	struct mt_endpoint endpoint;
	redisContext *context; /* owned; NULL: not started */
	redisReader *reader; /* owned, lives as long as context */
	bool connected;
	bool logging_in; /* the answer to AUTH is to come first */
	struct mt_buf out;
	size_t written; /* of out */
	size_t expected;
	int64_t heard_ms; /* or else asked */
	unsigned grace_ms; /* what the last command may take on purpose */
	struct mt_arena arena;
	char *chunk; /* owned, READ_SIZE */
};

struct mt_link *
mt_link_new(
    const struct mt_redis_options *options, const struct mt_endpoint *endpoint)
{
	struct mt_link *link = mt_alloc(sizeof(*link));

	link->options = options;
	link->endpoint = *endpoint;
	mt_buf_init(&link->out, OUT_MAX);
	mt_arena_init(&link->arena);
	link->chunk = mt_alloc(READ_SIZE);
	return link;
}

void
mt_link_free(struct mt_link *link)
{
	if (link == NULL)
		return;
	mt_link_stop(link);
	mt_wipe(link->out.p, link->out.n);
	mt_buf_done(&link->out);
	mt_arena_done(&link->arena);
	mt_free(link->chunk);
	mt_free(link);
}

const struct mt_endpoint *
mt_link_endpoint(const struct mt_link *link)
{
	return &link->endpoint;
}

void
mt_link_stop(struct mt_link *link)
{
	if (link->reader != NULL)
		redisReaderFree(link->reader);
	if (link->context != NULL)
		redisFree(link->context);
	link->reader = NULL;
	link->context = NULL;
	link->connected = false;
	link->logging_in = false;
	mt_buf_reset(&link->out);
	link->written = 0;
	link->expected = 0;
}

bool
mt_link_up(const struct mt_link *link)
{
	return link->context != NULL;
}

int
mt_link_fd(const struct mt_link *link)
{
	return link->context == NULL ? -1 : link->context->fd;
}

short
mt_link_events(const struct mt_link *link)
{
	if (!link->connected)
		return POLLOUT;
	return mt_link_unsent(link) > 0 ? POLLIN | POLLOUT : POLLIN;
}

size_t
mt_link_unsent(const struct mt_link *link)
{
	return link->out.n - link->written;
}

size_t
mt_link_expected(const struct mt_link *link)
{
	return link->expected;
}

struct mt_arena *
mt_link_arena(struct mt_link *link)
{
	return &link->arena;
}

/* Not while an answer is half parsed: what there is of it is in the arena. */
void
mt_link_release(struct mt_link *link)
{
	const redisReader *r = link->reader;

	if (r != NULL &&
	    (r->ridx > 0 || (r->ridx == 0 && r->rstack[0].obj != NULL)))
		return;
	mt_arena_reset(&link->arena);
}

/* The connection is lost: close it, and say why. */
static enum mt_rc
fail(struct mt_link *link, enum mt_rc rc, const char *what, struct mt_err *err)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s", what); /* may be context's */
	mt_link_stop(link);
	return mt_fail(err, rc, "redis %s: %s", link->endpoint.text, text);
}

static enum mt_rc
fail_errno(struct mt_link *link, int sys, struct mt_err *err)
{
	/* Somebody has to change rights; everything else may pass. */
	return fail(link, sys == EACCES || sys == EPERM ? MT_CONFIG : MT_AGAIN,
	    strerror(sys), err);
}

static void
log_in(struct mt_link *link)
{
	const struct mt_redis_options *o = link->options;

	if (o->password.p == NULL)
		return;
	mt_link_begin(link, o->user.p == NULL ? 2 : 3);
	mt_link_wordz(link, "AUTH");
	if (o->user.p != NULL)
		mt_link_word(link, o->user);
	mt_link_word(link, o->password);
	link->logging_in = true;
}

enum mt_rc
mt_link_start(struct mt_link *link, struct mt_err *err)
{
	const struct mt_endpoint *e = &link->endpoint;

	mt_link_stop(link);
	mt_link_release(link);
	if (e->port == 0)
		link->context = redisConnectUnixNonBlock(e->host);
	else
		link->context = redisConnectNonBlock(e->host, (int)e->port);
	if (link->context == NULL)
		return mt_fail(
		    err, MT_AGAIN, "redis %s: out of memory", e->text);
	if (link->context->err != 0 && link->context->err == REDIS_ERR_IO)
		return fail_errno(link, errno, err);
	if (link->context->err != 0)
		return fail(link, MT_AGAIN, link->context->errstr, err);
	link->reader = mt_nodes_reader(&link->arena);
	if (link->reader == NULL)
		return fail(link, MT_AGAIN, "out of memory", err);
	link->heard_ms = mt_clock_mono_ms();
	log_in(link);
	return MT_OK;
}

static char *
put_length(char *p, char kind, size_t n)
{
	*p++ = kind;
	p = mt_num_put(p, n);
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

static char *
put_word(char *p, struct mt_str s)
{
	p = put_length(p, '$', s.n);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p += s.n;
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

static void
wrote(struct mt_link *link, const char *end)
{
	link->out.n = (size_t)(end - link->out.p);
}

void
mt_link_begin(struct mt_link *link, size_t argc)
{
	if (link->expected == 0) {
		link->heard_ms = mt_clock_mono_ms();
		link->grace_ms = 0;
	}
	link->expected++;
	if (mt_buf_reserve(&link->out, NUMBER_LEN + 3))
		wrote(link, put_length(link->out.p + link->out.n, '*', argc));
}

void
mt_link_grace(struct mt_link *link, unsigned ms)
{
	link->grace_ms = ms;
}

void
mt_link_word(struct mt_link *link, struct mt_str word)
{
	if (mt_buf_reserve(&link->out, word.n + NUMBER_LEN + 5))
		wrote(link, put_word(link->out.p + link->out.n, word));
}

void
mt_link_wordz(struct mt_link *link, const char *word)
{
	mt_link_word(link, mt_str(word));
}

void
mt_link_id(struct mt_link *link, struct mt_id id)
{
	char text[MT_ID_LEN + 1];

	mt_id_write(id, text);
	mt_link_wordz(link, text);
}

void
mt_link_number(struct mt_link *link, uint64_t n)
{
	char text[MT_NUM_LEN];

	mt_link_word(
	    link, mt_str_n(text, (size_t)(mt_num_put(text, n) - text)));
}

void
mt_link_pairs(struct mt_link *link, const struct mt_pair *pairs, size_t n)
{
	size_t i, room = 0;
	char *p;

	for (i = 0; i < n; i++)
		room += pairs[i].name.n + pairs[i].value.n;
	if (!mt_buf_reserve(&link->out, room + n * 2 * (NUMBER_LEN + 5)))
		return;
	p = link->out.p + link->out.n;
	for (i = 0; i < n; i++) {
		p = put_word(p, pairs[i].name);
		p = put_word(p, pairs[i].value);
	}
	wrote(link, p);
}

static enum mt_rc
finish_connect(struct mt_link *link, struct mt_err *err)
{
	struct pollfd p = { .fd = link->context->fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int sys = 0;

	if (poll(&p, 1, 0) <= 0)
		return MT_OK;
	if (getsockopt(link->context->fd, SOL_SOCKET, SO_ERROR, &sys, &n) != 0)
		sys = errno;
	if (sys != 0)
		return fail_errno(link, sys, err);
	link->connected = true;
	return MT_OK;
}

/* Under a steady load the buffer is never empty: it must not just grow. */
static void
drop_written(struct mt_link *link)
{
	if (link->written < mt_link_unsent(link))
		return;
	memmove(link->out.p, link->out.p + link->written, mt_link_unsent(link));
	link->out.n -= link->written;
	link->written = 0;
}

static enum mt_rc
write_some(struct mt_link *link, struct mt_err *err)
{
	ssize_t n;

	while (mt_link_unsent(link) > 0) {
		n = send(link->context->fd, link->out.p + link->written,
		    mt_link_unsent(link), MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			drop_written(link);
			return MT_OK;
		}
		if (n < 0)
			return fail_errno(link, errno, err);
		link->written += (size_t)n;
	}
	/* AUTH was in there. */
	if (link->logging_in)
		mt_wipe(link->out.p, link->out.n);
	mt_buf_reset(&link->out);
	link->written = 0;
	return MT_OK;
}

static enum mt_rc
read_some(struct mt_link *link, struct mt_err *err)
{
	ssize_t n;

	for (;;) {
		n = recv(
		    link->context->fd, link->chunk, READ_SIZE, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return MT_OK;
		if (n < 0)
			return fail_errno(link, errno, err);
		if (n == 0)
			return fail(
			    link, MT_AGAIN, "closed the connection", err);
		link->heard_ms = mt_clock_mono_ms();
		if (redisReaderFeed(link->reader, link->chunk, (size_t)n) !=
		    REDIS_OK)
			return fail(link, MT_FORMAT, link->reader->errstr, err);
		if (n < READ_SIZE)
			return MT_OK;
	}
}

int64_t
mt_link_deadline_ms(const struct mt_link *link)
{
	if (link->context == NULL || (link->connected && link->expected == 0))
		return 0;
	return link->heard_ms + link->options->timeout_ms + link->grace_ms;
}

enum mt_rc
mt_link_flush(struct mt_link *link, struct mt_err *err)
{
	if (link->context == NULL)
		return mt_fail(err, MT_AGAIN, "redis %s: not connected",
		    link->endpoint.text);
	if (mt_buf_over(&link->out))
		return fail(link, MT_LIMIT, "too much to send at once", err);
	if (!link->connected && finish_connect(link, err) != MT_OK)
		return err->rc;
	return link->connected ? write_some(link, err) : MT_OK;
}

enum mt_rc
mt_link_work(struct mt_link *link, struct mt_err *err)
{
	int64_t deadline;

	if (mt_link_flush(link, err) != MT_OK ||
	    (link->connected && read_some(link, err) != MT_OK))
		return err->rc;
	deadline = mt_link_deadline_ms(link);
	if (deadline != 0 && mt_clock_mono_ms() > deadline)
		return fail(link, MT_AGAIN,
		    link->connected ? "no answer in time"
				    : "no connection in time",
		    err);
	return MT_OK;
}

static enum mt_rc
check_login(
    struct mt_link *link, const struct mt_node *node, struct mt_err *err)
{
	link->logging_in = false;
	if (node->type != MT_NODE_ERROR)
		return MT_OK;
	(void)mt_link_refused(link, node, err);
	/* Whatever the words, AUTH failed; unless Redis is just loading. */
	if (err->rc == MT_FORMAT)
		err->rc = MT_CONFIG;
	mt_link_stop(link);
	return err->rc;
}

enum mt_rc
mt_link_take(
    struct mt_link *link, struct mt_node **ret_node, struct mt_err *err)
{
	void *reply = NULL;

	while (link->context != NULL) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK)
			return fail(link, MT_FORMAT, link->reader->errstr, err);
		if (reply == NULL)
			break;
		if (link->expected == 0)
			return fail(
			    link, MT_FORMAT, "an answer to nothing", err);
		link->expected--;
		if (!link->logging_in) {
			*ret_node = reply;
			return MT_OK;
		}
		if (check_login(link, reply, err) != MT_OK)
			return err->rc;
	}
	return mt_fail(
	    err, MT_ABSENT, "redis %s: no answer yet", link->endpoint.text);
}

enum mt_rc
mt_link_wait(struct mt_link *link, unsigned wait_ms, int wake_fd, bool patient,
    struct mt_node **ret_node, struct mt_err *err)
{
	int64_t until = mt_clock_mono_ms() + wait_ms, left;
	struct pollfd p[2];
	enum mt_rc rc;

	for (;;) {
		if (mt_link_work(link, err) != MT_OK)
			return err->rc;
		rc = mt_link_take(link, ret_node, err);
		if (rc != MT_ABSENT)
			return rc;
		left = until - mt_clock_mono_ms();
		if (left <= 0 && patient)
			return MT_ABSENT;
		if (left <= 0)
			return fail(link, MT_AGAIN, "no answer in time", err);
		p[0] = (struct pollfd){ .fd = mt_link_fd(link),
			.events = mt_link_events(link) };
		p[1] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
		(void)poll(p, 2, (int)left);
		if (p[1].revents != 0)
			return mt_fail(err, MT_ABSENT, "redis %s: interrupted",
			    link->endpoint.text);
	}
}

enum mt_rc
mt_link_strange(const struct mt_link *link, struct mt_err *err)
{
	return mt_fail(err, MT_FORMAT, "redis %s: an answer not understood",
	    link->endpoint.text);
}
