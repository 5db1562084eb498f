/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stray.h"

#define FIRST_ROOM 256

static const char *const tables[] = { "ev_scan", "ev_notice" };

void
stray_init(struct stray_tales *s)
{
	memset(s, 0, sizeof(*s));
	arena_init(&s->texts);
}

void
stray_done(struct stray_tales *s)
{
	mt_free(s->told);
	mt_free(s->touched);
	arena_done(&s->texts);
}

void
stray_begin(struct stray_tales *s)
{
	s->n = s->n_touched = 0;
	arena_reset(&s->texts);
}

static void
tell(struct stray_tales *s, const struct stray_told *told)
{
	if (told->message_id.n == 0)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? FIRST_ROOM : s->cap * 2;
		s->told = mt_realloc_array(s->told, s->cap, sizeof(*s->told));
	}
	s->told[s->n++] = *told;
}

void
stray_tell(struct stray_tales *s, const struct store_event *event)
{
	const struct mt_ev_offer *o = &event->event.offer;
	const struct mt_ev_queue *q = &event->event.queue;
	const struct mt_ev_scan *v = &event->event.scan;
	const struct mt_ev_notice *n = &event->event.notice;

	if (event->id == MT_EV_offer)
		tell(s,
		    &(struct stray_told){
			o->message_id, o->host, o->queue_id, o->at, false });
	else if (event->id == MT_EV_queue)
		tell(s,
		    &(struct stray_told){
			q->message_id, q->host, q->queue_id, q->at, false });
	else if (event->id == MT_EV_scan && v->queue_id.n == 0)
		tell(s,
		    &(struct stray_told){
			v->message_id, v->host, v->queue_id, v->at, true });
	else if (event->id == MT_EV_notice && n->queue_id.n == 0)
		tell(s,
		    &(struct stray_told){
			n->message_id, n->host, mt_str(""), n->at, false });
}

static bool
is_stray(const struct stray_told *t)
{
	return t->queue_id.n == 0;
}

/* Those of messages first, each kind by Message-ID. */
static int
compare_told(const void *a, const void *b)
{
	const struct stray_told *x = a, *y = b;

	if (is_stray(x) != is_stray(y))
		return (int)is_stray(x) - (int)is_stray(y);
	return mt_str_cmp(x->message_id, y->message_id);
}

static void
touch(struct stray_tales *s, struct mt_str host, struct mt_str queue_id,
    int64_t at)
{
	if (s->n_touched == s->cap_touched) {
		s->cap_touched =
		    s->cap_touched == 0 ? FIRST_ROOM : s->cap_touched * 2;
		s->touched = mt_realloc_array(
		    s->touched, s->cap_touched, sizeof(*s->touched));
	}
	s->touched[s->n_touched++] =
	    (struct stray_touched){ host, queue_id, at };
}

enum mt_rc
stray_any(struct query *q, int64_t from, bool *ret, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;
	size_t i;

	*ret = false;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]) && !*ret; i++) {
		query_begin(q, "SELECT 1 FROM ");
		query_add(q, tables[i]);
		query_add(q,
		    " FORCE INDEX (message) WHERE " STRAY_ROWS
		    " AND at >= ? LIMIT 1");
		query_time(q, from);
		if (query_run(q, &rows, err) != MT_OK)
			return err->rc;
		rc = mt_rows_next(rows, err);
		mt_rows_close(rows);
		if (rc != MT_OK && rc != MT_ABSENT)
			return rc;
		*ret = rc == MT_OK;
	}
	return MT_OK;
}

/*
 * " IN (?, ...)": the Message-IDs told from `from` on, each once, at most
 * QUERY_TOKENS of them; returns where they end. *ret_least, *ret_most: times.
 */
static size_t
ask_ids(const struct stray_tales *s, struct query *q, size_t from, size_t to,
    int64_t *ret_least, int64_t *ret_most)
{
	size_t i, n = 0;

	*ret_least = MT_TIME_MAX;
	*ret_most = 0;
	query_add(q, " message_id IN (");
	for (i = from; i < to; i++) {
		const struct stray_told *t = &s->told[i];

		if (t->at < *ret_least)
			*ret_least = t->at;
		if (t->at > *ret_most)
			*ret_most = t->at;
		if (i > from && compare_told(t - 1, t) == 0)
			continue;
		if (n++ == QUERY_TOKENS)
			break;
		query_add(q, n == 1 ? "?" : ", ?");
		query_text(q, t->message_id);
	}
	query_add(q, ")");
	return i;
}

/* Touch the messages that were told with the Message-IDs a query returns. */
static enum mt_rc
touch_told(struct stray_tales *s, struct query *q, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;
	size_t i;

	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		for (i = from; i < to; i++)
			if (mt_str_eq(
				s->told[i].message_id, mt_rows_text(rows, 0)))
				touch(s, s->told[i].host, s->told[i].queue_id,
				    s->told[i].at);
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* Messages that strays are waiting for: what was told before `n`. */
static enum mt_rc
find_waited_for(
    struct stray_tales *s, struct query *q, size_t n, struct mt_err *err)
{
	int64_t least = MT_TIME_MAX, most;
	size_t i, from, to = 0;
	bool any;

	for (i = 0; i < n; i++)
		if (s->told[i].at < least)
			least = s->told[i].at;
	if (stray_any(q, least - MT_DAY, &any, err) != MT_OK || !any)
		return any ? err->rc : MT_OK;
	for (from = 0; from < n; from = to) {
		for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
			query_begin(q, "SELECT DISTINCT message_id FROM ");
			query_add(q, tables[i]);
			query_add(q, " FORCE INDEX (message_id) WHERE");
			to = ask_ids(s, q, from, n, &least, &most);
			query_add(q, " AND " STRAY_ROWS " AND at >= ?");
			query_time(q, least - MT_DAY);
			if (touch_told(s, q, from, to, err) != MT_OK)
				return err->rc;
		}
	}
	return MT_OK;
}

static enum mt_rc
touch_rows(struct stray_tales *s, struct query *q, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;

	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK)
		touch(s, arena_copy(&s->texts, mt_rows_text(rows, 1)),
		    arena_copy(&s->texts, mt_rows_text(rows, 2)),
		    mt_rows_time(rows, 0));
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* Messages that strays are about: what was told from `from` on. */
static enum mt_rc
find_meant(
    struct stray_tales *s, struct query *q, size_t from, struct mt_err *err)
{
	int64_t least, most;
	bool report;
	size_t i, to;

	for (; from < s->n; from = to) {
		query_begin(q,
		    "SELECT born, host, queue_id FROM message FORCE INDEX "
		    "(message_id) WHERE");
		to = ask_ids(s, q, from, s->n, &least, &most);
		for (report = false, i = from; i < to && !report; i++)
			report = !s->told[i].verdict;
		/* A report comes at any time after its message. */
		query_add(q, " AND born BETWEEN ? AND ?");
		query_time(q, report ? 0 : least - MT_DAY);
		query_time(q, most + MT_DAY);
		if (touch_rows(s, q, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

enum mt_rc
stray_find(struct stray_tales *s, struct query *q, struct mt_err *err)
{
	size_t messages;

	if (s->n == 0)
		return MT_OK;
	qsort(s->told, s->n, sizeof(*s->told), compare_told);
	for (messages = 0; messages < s->n && !is_stray(&s->told[messages]);)
		messages++;
	if (messages > 0 && find_waited_for(s, q, messages, err) != MT_OK)
		return err->rc;
	return find_meant(s, q, messages, err);
}
