/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "adopt.h"
#include "base/clock.h"
#include "base/mem.h"
#include "read.h"
#include "stray.h"

#define FIRST_ROOM 256

/* What tells two strays of one Message-ID and moment apart. */
static int
compare_twins(const struct store_event *x, const struct store_event *y)
{
	const struct mt_ev_notice *a = &x->event.notice, *b = &y->event.notice;
	uint64_t k, l;
	int r;

	if (x->id == MT_EV_scan) {
		k = x->event.scan.twin;
		l = y->event.scan.twin;
	} else {
		if ((r = mt_str_cmp(a->report, b->report)) != 0)
			return r;
		k = a->ordinal;
		l = b->ordinal;
	}
	return k < l ? -1 : k > l;
}

static int
compare_strays(const void *a, const void *b)
{
	const struct stray *x = a, *y = b;
	int r = mt_str_cmp(x->message_id, y->message_id);

	if (r == 0)
		r = (int)x->event->id - (int)y->event->id;
	if (r == 0)
		r = life_at(x->event) < life_at(y->event)
		    ? -1
		    : life_at(x->event) > life_at(y->event);
	return r != 0 ? r : compare_twins(x->event, y->event);
}

static enum mt_rc
read_rows(struct strays *s, struct query *q, const struct reader *reader,
    struct mt_err *err)
{
	struct store_event *e;
	struct mt_rows *rows;
	enum mt_rc rc;

	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if (s->n == s->cap) {
			s->cap = s->cap == 0 ? FIRST_ROOM : s->cap * 2;
			s->list =
			    mt_realloc_array(s->list, s->cap, sizeof(*s->list));
		}
		e = read_row(reader, rows);
		s->list[s->n++] = (struct stray){ e->id == MT_EV_scan
			    ? e->event.scan.message_id
			    : e->event.notice.message_id,
			e };
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
load(struct strays *s, struct query *q, const struct read *read,
    const struct mt_str *ids, size_t n, int64_t from, struct arena *arena,
    struct mt_err *err)
{
	struct reader reader;
	size_t i;

	read_begin(&reader, q, read, arena);
	query_add(q, "message_id IN (");
	for (i = 0; i < n; i++) {
		query_add(q, i == 0 ? "?" : ", ?");
		query_text(q, ids[i]);
	}
	query_add(q, ") AND " STRAY_ROWS " AND at >= ?");
	query_time(q, from);
	return read_rows(s, q, &reader, err);
}

enum mt_rc
adopt_load(struct strays *s, struct query *q, const struct mt_str *ids,
    size_t n, int64_t from, struct arena *arena, struct mt_err *err)
{
	size_t i, at, some;

	for (at = 0; at < n; at += some) {
		some = n - at < QUERY_TOKENS ? n - at : QUERY_TOKENS;
		for (i = 0; i < read_strays_n; i++)
			if (load(s, q, &read_strays[i], ids + at, some, from,
				arena, err) != MT_OK)
				return err->rc;
	}
	if (s->n > 0)
		qsort(s->list, s->n, sizeof(*s->list), compare_strays);
	return MT_OK;
}

/* When a message came in, and from where; what is not known is 0. */
struct arrival {
	int64_t from, to;
	struct mt_ip client;
	bool judged; /* a verdict has the queue id */
};

static struct arrival
arrival_of(const struct life *life)
{
	struct arrival a = { .from = MT_TIME_MAX };
	int64_t active = 0;
	size_t i;

	for (i = 0; i < life->n; i++) {
		const struct store_event *e = life->events[i];
		const struct mt_ev_queue *q = &e->event.queue;

		if (e->id == MT_EV_notice)
			continue;
		a.judged = a.judged || e->id == MT_EV_scan;
		if (life_at(e) < a.from)
			a.from = life_at(e);
		if (life_at(e) > a.to)
			a.to = life_at(e);
		if (e->id != MT_EV_queue)
			continue;
		if (q->step == MT_step_client && a.client.family == 0)
			a.client = q->client;
		if (q->step == MT_step_active &&
		    (active == 0 || q->at < active))
			active = q->at;
	}
	if (active != 0)
		a.to = active;
	return a;
}

static bool
fits(const struct store_event *e, const struct arrival *a, struct mt_str host,
    int64_t born)
{
	const struct mt_ev_scan *v = &e->event.scan;

	/* Of many messages of one Message-ID, one that names nobody is about
	 * any. */
	if (e->id == MT_EV_notice)
		return e->event.notice.at >= born - STRAY_SKEW &&
		    e->event.notice.rcpt.n + e->event.notice.orig_to.n > 0;
	return !a->judged && mt_str_eq(v->host, host) &&
	    v->at >= a->from - STRAY_SKEW && v->at <= a->to + STRAY_SKEW &&
	    v->at >= born - MT_DAY && v->at <= born + MT_DAY &&
	    (v->client.family == 0 || a->client.family == 0 ||
		mt_ip_eq(&v->client, &a->client));
}

/* The first stray of a Message-ID. */
static size_t
first_of(const struct strays *s, struct mt_str message_id)
{
	size_t from = 0, to = s->n, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (mt_str_cmp(s->list[middle].message_id, message_id) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The Message-ID that an event of a life, or its offer (the last), tells first.
 */
static struct mt_str
id_of(const struct life *life, size_t i, struct mt_str named)
{
	const struct mt_str none = { 0 };
	struct mt_str id = named;
	size_t k;

	if (i < life->n && life->events[i]->id != MT_EV_queue)
		return none;
	if (i < life->n)
		id = life->events[i]->event.queue.message_id;
	for (k = 0; k < i && id.n > 0; k++)
		if (life->events[k]->id == MT_EV_queue &&
		    mt_str_eq(life->events[k]->event.queue.message_id, id))
			return none;
	return id;
}

static const struct store_event **
make_room(
    struct arena *arena, const struct store_event **had, size_t n, size_t more)
{
	const struct store_event **room =
	    arena_alloc(arena, (n + more) * sizeof(const void *));

	if (had != NULL)
		memcpy(room, had, n * sizeof(const void *));
	return room;
}

void
adopt(const struct strays *s, struct mt_str host, struct mt_str named,
    struct life *life, struct arena *arena)
{
	const struct arrival arrival = arrival_of(life);
	const struct store_event **own = NULL;
	struct mt_str id;
	size_t i, from, to, at;

	for (i = 0; i <= life->n; i++) {
		if ((id = id_of(life, i, named)).n == 0)
			continue;
		from = to = first_of(s, id);
		while (to < s->n && mt_str_eq(s->list[to].message_id, id))
			to++;
		if (from == to)
			continue;
		own = make_room(arena, own, life->n_strays, to - from);
		for (at = from; at < to; at++)
			if (fits(s->list[at].event, &arrival, host, life->born))
				own[life->n_strays++] = s->list[at].event;
	}
	life->strays = own;
}
