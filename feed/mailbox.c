/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailbox.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "imap.h"
#include "reply.h"

#define RETRY_MS 2000 /* after a failure; then twice as long each time */
#define RETRY_MAX_MS 600000
#define REFUSED_MS 300000 /* a login refused again and again is an attack */
#define LINE_MAX_IN 1048576 /* a search's answer: 100,000 messages */
#define COMMAND_MAX 1200
#define CHUNK 65536
#define TURNS 32 /* chunks before the others have their turn */

/* What was asked last. */
enum step {
	IDLE,
	CONNECT,
	CAPABILITY,
	SELECT,
	SEARCH,
	FETCH,
	SEEN,
	MOVE,
	COPY,
	DELETE,
	EXPUNGE,
	LOGOUT
};

struct feed_mailbox {
	struct feed_taker *taker;
	struct imap *imap; /* owned */
	enum step step;
	unsigned tag;
	struct mt_buf in;
	struct mt_buf out; /* what was asked last */
	size_t sent; /* of out */
	bool more; /* there may be more to read at once */
	bool can_move, can_expunge;
	uint64_t validity; /* of the UIDs below */
	uint64_t next; /* the first UID not looked at yet */
	uint64_t top; /* the highest one of this search */
	struct mt_buf found; /* UIDs to look at, one space apart */
	struct mt_str left; /* of found */
	uint64_t uid; /* of the message in hand */
	bool taken; /* it is a report, and in the spool */
	int64_t due_ms; /* next look; or when the server is too slow */
	unsigned failures;
	struct mt_trouble trouble;
};

enum mt_rc
feed_mailbox_new(struct feed_taker *taker, struct feed_mailbox **ret_mailbox,
    struct mt_err *err)
{
	struct feed_mailbox *m;
	struct imap *imap;

	*ret_mailbox = NULL;
	if (taker->o->imap.n == 0)
		return MT_OK;
	if (imap_new(&imap, err) != MT_OK)
		return err->rc;
	m = mt_alloc(sizeof(*m));
	m->taker = taker;
	m->imap = imap;
	m->next = 1;
	mt_buf_init(&m->in, MT_MAX_REPORT + LINE_MAX_IN + CHUNK);
	mt_buf_init(&m->out, COMMAND_MAX);
	mt_buf_init(&m->found, LINE_MAX_IN);
	mt_trouble_init(&m->trouble);
	m->due_ms = mt_clock_mono_ms();
	*ret_mailbox = m;
	return MT_OK;
}

void
feed_mailbox_free(struct feed_mailbox *m)
{
	if (m == NULL)
		return;
	imap_free(m->imap);
	mt_buf_done(&m->in);
	mt_buf_done(&m->out);
	mt_buf_done(&m->found);
	mt_trouble_done(&m->trouble);
	mt_free(m);
}

static int64_t
answer_due(const struct feed_mailbox *m)
{
	return mt_clock_mono_ms() + (int64_t)m->taker->o->imap_timeout_ms;
}

static void
rest(struct feed_mailbox *m, int64_t ms)
{
	imap_close(m->imap);
	m->step = IDLE;
	m->more = false;
	/* A long message's memory goes, too. */
	mt_buf_done(&m->in);
	mt_buf_init(&m->in, MT_MAX_REPORT + LINE_MAX_IN + CHUNK);
	m->due_ms = mt_clock_mono_ms() + ms;
}

static void
fail(struct feed_mailbox *m, const struct mt_err *err)
{
	int64_t wait = RETRY_MAX_MS;

	if (m->failures < 8)
		wait = (int64_t)RETRY_MS << m->failures;
	if (err->rc == MT_CONFIG && wait < REFUSED_MS)
		wait = REFUSED_MS;
	m->failures++;
	if (mt_trouble_on(&m->trouble, (int)err->rc))
		mt_log(err->rc == MT_CONFIG ? MT_LOG_ERR : MT_LOG_WARNING,
		    "%s; reports wait in the mailbox, trying again in s=%d",
		    err->msg, (int)(wait / 1000));
	rest(m, wait);
}

static void
succeed(struct feed_mailbox *m)
{
	struct mt_trouble_was was;

	m->failures = 0;
	m->next = m->top >= m->next ? m->top + 1 : m->next;
	mt_trouble_good(&m->trouble);
	if (mt_trouble_over(&m->trouble, &was))
		mt_log(MT_LOG_INFO, "imap: well again after s=%u failures=%u",
		    was.seconds, was.count);
	rest(m, (int64_t)m->taker->o->imap_poll_ms);
}

/* Ask; the tag goes in front. */
static void ask(struct feed_mailbox *m, enum step step, const char *fmt, ...)
    MT_PRINTF(3, 4);

static void
ask(struct feed_mailbox *m, enum step step, const char *fmt, ...)
{
	char text[COMMAND_MAX - 32];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m->step = step;
	mt_buf_reset(&m->out);
	mt_buf_printf(&m->out, "T%u %s\r\n", ++m->tag, text);
	m->sent = 0;
	m->due_ms = answer_due(m);
}

static void
ask_move(struct feed_mailbox *m)
{
	struct mt_str to = m->taker->o->imap_move;

	ask(m, m->can_move ? MOVE : COPY, "UID %s %" PRIu64 " \"%.*s\"",
	    m->can_move ? "MOVE" : "COPY", m->uid, MT_STR_ARG(to));
}

/* The next message that was found, or the end. */
static void
ask_next(struct feed_mailbox *m)
{
	m->taken = false;
	while (feed_reply_number(&m->left, &m->uid)) {
		if (m->uid < m->next)
			continue; /* "n:*" has the last one in any case */
		if (m->uid > m->top)
			m->top = m->uid;
		ask(m, FETCH, "UID FETCH %" PRIu64 " (UID BODY.PEEK[]<0.%d>)",
		    m->uid, MT_MAX_REPORT);
		return;
	}
	ask(m, LOGOUT, "LOGOUT");
}

static void
begin(struct feed_mailbox *m)
{
	struct mt_err err;

	if (imap_open(m->imap, m->taker->o, &err) != MT_OK) {
		fail(m, &err);
		return;
	}
	mt_buf_reset(&m->in);
	mt_buf_reset(&m->out);
	m->sent = 0;
	mt_buf_reset(&m->found);
	m->left = mt_str_n("", 0);
	m->can_move = m->can_expunge = false;
	m->top = 0;
	m->tag = 0;
	m->step = CONNECT;
	m->due_ms = answer_due(m);
}

/* A message, or its start. */
static enum mt_rc
take(struct feed_mailbox *m, const struct feed_reply *r, struct mt_err *err)
{
	struct mt_notices_outcome outcome;
	uint64_t uid = feed_reply_uid(r->rest);

	/* Another one: its flags were changed by somebody else. */
	if (r->literal.p == NULL || (uid != 0 && uid != m->uid))
		return MT_OK;
	if (feed_take(m->taker, "imap", r->literal, &outcome, err) != MT_OK)
		return err->rc;
	m->taken = outcome.notices > 0;
	return MT_OK;
}

static enum mt_rc
untagged(struct feed_mailbox *m, const struct feed_reply *r, struct mt_err *err)
{
	switch (r->kind) {
	case FEED_REPLY_CAPABILITY:
		m->can_move = feed_reply_has(r->rest, "MOVE");
		m->can_expunge = feed_reply_has(r->rest, "UIDPLUS");
		break;
	case FEED_REPLY_UIDVALIDITY:
		if (r->number != m->validity)
			m->next = 1;
		m->validity = r->number;
		break;
	case FEED_REPLY_SEARCH:
		mt_buf_c(&m->found, ' ');
		mt_buf_str(&m->found, r->rest);
		break;
	case FEED_REPLY_FETCH:
		if (m->step == FETCH)
			return take(m, r, err);
		break;
	case FEED_REPLY_BYE:
		if (m->step != LOGOUT)
			return mt_fail(
			    err, MT_AGAIN, "imap: the server says bye");
		break;
	case FEED_REPLY_OTHER:
	case FEED_REPLY_GO_ON:
	case FEED_REPLY_TAGGED:
		break;
	}
	return MT_OK;
}

/* The mailbox was searched. */
static enum mt_rc
searched(struct feed_mailbox *m, struct mt_err *err)
{
	if (mt_buf_over(&m->found))
		return mt_fail(err, MT_LIMIT, "imap: too many unread messages");
	m->left = mt_buf_view(&m->found);
	ask_next(m);
	return MT_OK;
}

/* The message in hand was marked as read. */
static void
marked(struct feed_mailbox *m)
{
	if (m->taker->o->imap_move.n == 0) {
		ask_next(m);
	} else if (m->can_move || m->can_expunge) {
		ask_move(m);
	} else {
		mt_log_every(3600, MT_LOG_WARNING,
		    "imap: the server has neither MOVE nor UIDPLUS; leaving "
		    "reports where they are");
		ask_next(m);
	}
}

/* What was asked is done: ask the next thing. */
static enum mt_rc
answered(struct feed_mailbox *m, struct mt_err *err)
{
	const struct feed_options *o = m->taker->o;

	switch (m->step) {
	case CAPABILITY:
		ask(m, SELECT, "SELECT \"%.*s\"", MT_STR_ARG(o->imap_mailbox));
		break;
	case SELECT:
		ask(m, SEARCH, "UID SEARCH UID %" PRIu64 ":* UNSEEN UNDELETED",
		    m->next);
		break;
	case SEARCH:
		return searched(m, err);
	case FETCH:
		if (m->taken)
			ask(m, SEEN,
			    "UID STORE %" PRIu64 " +FLAGS.SILENT (\\Seen)",
			    m->uid);
		else
			ask_next(m);
		break;
	case SEEN:
		marked(m);
		break;
	case COPY:
		ask(m, DELETE,
		    "UID STORE %" PRIu64 " +FLAGS.SILENT (\\Deleted)", m->uid);
		break;
	case DELETE:
		ask(m, EXPUNGE, "UID EXPUNGE %" PRIu64, m->uid);
		break;
	case MOVE:
	case EXPUNGE:
		ask_next(m);
		break;
	case LOGOUT:
		succeed(m);
		break;
	case IDLE:
	case CONNECT:
		break;
	}
	return MT_OK;
}

static enum mt_rc
tagged(struct feed_mailbox *m, const struct feed_reply *r, struct mt_err *err)
{
	char tag[16];

	(void)snprintf(tag, sizeof(tag), "T%u", m->tag);
	if (!mt_str_eqz(r->tag, tag))
		return mt_fail(err, MT_AGAIN, "imap: an answer to nothing");
	/* Somebody took the message away meanwhile. */
	if (!r->ok && m->step == FETCH)
		m->taken = false;
	else if (!r->ok)
		return mt_fail(err, MT_CONFIG, "imap: %.*s: %s",
		    (int)strcspn(m->out.p, "\r\n"), m->out.p,
		    mt_quote(r->rest).s);
	return answered(m, err);
}

/* The responses that are whole. */
static enum mt_rc
digest(struct feed_mailbox *m, struct mt_err *err)
{
	struct feed_reply r;
	enum mt_rc rc = MT_OK;
	size_t n = 0, at = 0;

	while (rc == MT_OK && m->step != IDLE) {
		rc = feed_reply_read(mt_str_n(m->in.p + at, m->in.n - at),
		    LINE_MAX_IN, MT_MAX_REPORT, &r, &n, err);
		if (rc != MT_OK)
			break;
		rc = r.kind == FEED_REPLY_TAGGED ? tagged(m, &r, err)
						 : untagged(m, &r, err);
		at += n;
	}
	if (m->step == IDLE)
		return MT_OK; /* done, and in is empty */
	memmove(m->in.p, m->in.p + at, m->in.n - at);
	m->in.n -= at;
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* Send what is left of a command. */
static enum mt_rc
send_some(struct feed_mailbox *m, struct mt_err *err)
{
	size_t n = 1;

	while (m->sent < m->out.n && n > 0) {
		if (imap_send(m->imap, m->out.p + m->sent, m->out.n - m->sent,
			&n, err) != MT_OK)
			return err->rc;
		m->sent += n;
	}
	return MT_OK;
}

/* Read and act on what has come. */
static enum mt_rc
talk(struct feed_mailbox *m, struct mt_err *err)
{
	unsigned i;
	size_t n = 0;

	m->more = false;
	for (i = 0; i < TURNS && m->step != IDLE; i++) {
		if (send_some(m, err) != MT_OK)
			return err->rc;
		if (!mt_buf_reserve(&m->in, CHUNK))
			return mt_fail(
			    err, MT_LIMIT, "imap: too long an answer");
		if (imap_recv(m->imap, m->in.p + m->in.n, CHUNK, &n, err) !=
		    MT_OK)
			return err->rc;
		if (n == 0)
			return MT_OK;
		m->in.n += n;
		m->due_ms = answer_due(m);
		if (digest(m, err) != MT_OK)
			return err->rc;
	}
	m->more = m->step != IDLE;
	return MT_OK;
}

static enum mt_rc
work(struct feed_mailbox *m, struct mt_err *err)
{
	if (m->step == CONNECT) {
		if (imap_work(m->imap, err) != MT_OK)
			return err->rc;
		if (imap_state(m->imap) == IMAP_UP)
			ask(m, CAPABILITY, "CAPABILITY");
	}
	if (imap_state(m->imap) == IMAP_UP && talk(m, err) != MT_OK)
		return err->rc;
	return MT_OK;
}

void
feed_mailbox_work(struct feed_mailbox *m, int64_t now_ms)
{
	struct mt_err err;
	enum mt_rc rc;

	if (m == NULL)
		return;
	if (m->step == IDLE && now_ms >= m->due_ms)
		begin(m);
	if (m->step == IDLE)
		return;
	rc = work(m, &err);
	if (rc == MT_OK && m->step != IDLE && now_ms >= m->due_ms)
		rc =
		    mt_fail(&err, MT_AGAIN, "imap: the server does not answer");
	if (rc != MT_OK)
		fail(m, &err);
}

size_t
feed_mailbox_wants(const struct feed_mailbox *m, struct pollfd *fds)
{
	if (m == NULL || imap_state(m->imap) != IMAP_UP)
		return 0;
	fds[0] = (struct pollfd){ .fd = imap_fd(m->imap),
		.events = m->sent < m->out.n ? POLLIN | POLLOUT : POLLIN };
	return 1;
}

int64_t
feed_mailbox_due_ms(const struct feed_mailbox *m)
{
	if (m == NULL)
		return INT64_MAX;
	return m->more ? 0 : m->due_ms;
}

void
feed_mailbox_wait(
    struct feed_mailbox *m, struct pollfd *fds, size_t n, int timeout_ms)
{
	imap_wait(m != NULL ? m->imap : NULL, fds, n, timeout_ms);
}
