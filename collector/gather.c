/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gather.h"
#include "read.h"
#include "stray.h"

/* A log's clock may be behind the one that made a long queue id by this. */
#define EARLY MT_DAY
#define FIRST_ROOM 256

void
gathered_init(struct gathered *g)
{
	memset(g, 0, sizeof(*g));
	arena_init(&g->arena);
}

void
gathered_done(struct gathered *g)
{
	arena_done(&g->arena);
	mt_free(g->known);
	mt_free(g->found);
	mt_free(g->named);
	mt_free(g->strays.list);
}

static void *
room_for_one(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap == 0 ? FIRST_ROOM : *cap * 2;
	return mt_realloc_array(array, *cap, size);
}

int
target_compare(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int r = mt_str_cmp(x->host, y->host);

	return r != 0 ? r : mt_str_cmp(x->queue_id, y->queue_id);
}

/* The target that the current row is about; g->n when it is none of ours. */
static size_t
find(const struct gathered *g, const struct mt_rows *rows)
{
	const struct target key = { .host = mt_rows_text(rows, 1),
		.queue_id = mt_rows_text(rows, 2) };
	const struct target *t = bsearch(
	    &key, g->targets, g->n, sizeof(*g->targets), target_compare);

	return t == NULL ? g->n : (size_t)(t - g->targets);
}

/* "queue_id IN (?, ...)" of the targets from..to. */
static void
ask_ids(const struct gathered *g, struct query *q, size_t from, size_t to)
{
	size_t i;

	query_add(q, "queue_id IN (");
	for (i = from; i < to; i++) {
		query_add(q, i == from ? "?" : ", ?");
		query_text(q, g->targets[i].queue_id);
	}
	query_add(q, ")");
}

int64_t
known_start(const struct known *k)
{
	return k->first_at != 0 && k->first_at < k->born ? k->first_at
							 : k->born;
}

static int
compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return known_start(x) < known_start(y)
	    ? -1
	    : known_start(x) > known_start(y);
}

static enum mt_rc
load_known(struct gathered *g, struct query *q, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;
	size_t at;

	/* Recipients and marks are of an offer, too, that is still to come. */
	query_begin(q,
	    "SELECT born, host, queue_id, first_at, "
	    "IF(offers + recipients + marks > 0, born, NULL), "
	    "IF(offered_at IS NULL, NULL, message_id) FROM message WHERE ");
	ask_ids(g, q, from, to);
	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((at = find(g, rows)) == g->n)
			continue;
		g->known = room_for_one(
		    g->known, g->n_known, &g->cap_known, sizeof(*g->known));
		g->known[g->n_known++] = (struct known){ .target = at,
			.born = mt_rows_time(rows, 0),
			.first_at = mt_rows_time(rows, 3),
			.offered_at = mt_rows_time(rows, 4),
			.message_id =
			    arena_copy(&g->arena, mt_rows_text(rows, 5)) };
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
load_all_known(struct gathered *g, struct query *q, struct mt_err *err)
{
	size_t from, to;

	for (from = 0; from < g->n; from = to) {
		to = g->n - from < QUERY_TOKENS ? g->n : from + QUERY_TOKENS;
		if (load_known(g, q, from, to, err) != MT_OK)
			return err->rc;
	}
	if (g->n_known > 0)
		qsort(g->known, g->n_known, sizeof(*g->known), compare_known);
	return MT_OK;
}

/* No life may lie on both sides of a window's edge. */
static void
widen(struct target *t, const struct known *known, size_t n)
{
	bool wider = true;
	size_t i;

	while (wider) {
		wider = false;
		for (i = 0; i < n; i++) {
			int64_t start = known_start(&known[i]);

			if (start < t->to && known[i].born >= t->to) {
				t->to = known[i].born + 1;
				wider = true;
			}
			if (start < t->from && known[i].born >= t->from) {
				t->from = start;
				wider = true;
			}
		}
	}
}

/*
 * Which lives can the touched times have changed? The one before them, and the
 * one after; the one before these is read to know how the next began.
 */
static void
decide_window(struct target *t, const struct known *known, size_t n)
{
	size_t i, before = 0, after;

	for (i = 0; i < n && known_start(&known[i]) < t->least; i++)
		before++;
	for (after = before; after < n && known_start(&known[after]) <= t->most;
	     after++)
		;
	t->context = before > 1;
	t->from = before > 1 ? known_start(&known[before - 2]) : 0;
	t->to = after + 1 < n ? known_start(&known[after + 1]) : MT_TIME_MAX;
	/* Of what nobody knew before there is nothing earlier. */
	if (before <= 1) {
		t->from = t->least;
		if (n > 0 && known_start(&known[0]) < t->from)
			t->from = known_start(&known[0]);
	}
	widen(t, known, n);
}

static enum mt_rc
decide_windows(struct gathered *g, struct query *q, struct target *targets,
    struct mt_err *err)
{
	size_t i, k = 0, first;

	if (load_all_known(g, q, err) != MT_OK)
		return err->rc;
	for (i = 0; i < g->n; i++) {
		first = k;
		while (k < g->n_known && g->known[k].target == i)
			k++;
		decide_window(&targets[i], g->known + first, k - first);
	}
	return MT_OK;
}

static void
add_found(struct gathered *g, size_t target, const struct store_event *event)
{
	g->found = room_for_one(
	    g->found, g->n_found, &g->cap_found, sizeof(*g->found));
	g->found[g->n_found++] =
	    (struct found){ .target = target, .event = event };
}

static enum mt_rc
read_events(struct gathered *g, struct query *q, const struct reader *reader,
    struct mt_err *err)
{
	struct mt_rows *rows;
	int64_t at;
	size_t target;
	enum mt_rc rc;

	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((target = find(g, rows)) == g->n)
			continue;
		at = mt_rows_time(rows, 0);
		if (at >= g->targets[target].from && at < g->targets[target].to)
			add_found(g, target, read_row(reader, rows));
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* The earliest time that the targets from..to ask for. */
static int64_t
earliest(const struct gathered *g, size_t from, size_t to)
{
	int64_t least = MT_TIME_MAX;
	size_t i;

	for (i = from; i < to; i++)
		if (g->targets[i].from < least)
			least = g->targets[i].from;
	return least;
}

static enum mt_rc
load_events(struct gathered *g, struct query *q, const struct read *read,
    size_t from, size_t to, struct mt_err *err)
{
	struct reader reader;

	read_begin(&reader, q, read, &g->arena);
	ask_ids(g, q, from, to);
	query_add(q, " AND at >= ?");
	query_time(q, earliest(g, from, to));
	return read_events(g, q, &reader, err);
}

static enum mt_rc
load_all_events(struct gathered *g, struct query *q, struct mt_err *err)
{
	size_t i, from, to;

	for (i = 0; i < read_own_n; i++) {
		for (from = 0; from < g->n; from = to) {
			to = g->n - from < QUERY_TOKENS ? g->n
							: from + QUERY_TOKENS;
			if (load_events(g, q, &read_own[i], from, to, err) !=
			    MT_OK)
				return err->rc;
		}
	}
	return MT_OK;
}

static int
compare_texts(const void *a, const void *b)
{
	return mt_str_cmp(*(const struct mt_str *)a, *(const struct mt_str *)b);
}

/* The Message-IDs of all that was gathered, each once. */
static size_t
list_message_ids(struct gathered *g, struct mt_str **ret_ids)
{
	struct mt_str *ids = arena_alloc(
	    &g->arena, (g->n_found + g->n_known + 1) * sizeof(*ids));
	size_t i, left = 0, n = 0;

	for (i = 0; i < g->n_found; i++)
		if (g->found[i].event->id == MT_EV_queue &&
		    g->found[i].event->event.queue.message_id.n > 0)
			ids[n++] = g->found[i].event->event.queue.message_id;
	for (i = 0; i < g->n_known; i++)
		if (g->known[i].message_id.n > 0)
			ids[n++] = g->known[i].message_id;
	*ret_ids = ids;
	if (n == 0)
		return 0;
	qsort(ids, n, sizeof(*ids), compare_texts);
	for (i = 1; i < n; i++)
		if (!mt_str_eq(ids[left], ids[i]))
			ids[++left] = ids[i];
	return left + 1;
}

/* What names messages by their Message-ID only; mostly there is nothing. */
static enum mt_rc
load_strays(
    struct gathered *g, struct query *q, bool is_long, struct mt_err *err)
{
	int64_t from = earliest(g, 0, g->n) - STRAY_SKEW;
	struct mt_str *ids;
	bool any;
	size_t n;

	if (stray_any(q, from, &any, err) != MT_OK)
		return err->rc;
	if (!any)
		return MT_OK;
	if (is_long && load_all_known(g, q, err) != MT_OK)
		return err->rc;
	n = list_message_ids(g, &ids);
	return adopt_load(&g->strays, q, ids, n, from, &g->arena, err);
}

/*
 * Each offer of a short id is a life of its own, so its row tells of it; of a
 * long one it may be all there is.
 */
static void
add_offers(struct gathered *g)
{
	struct store_event *e;
	size_t i;

	for (i = 0; i < g->n_known; i++) {
		const struct known *k = &g->known[i];
		const struct target *t = &g->targets[k->target];

		if (k->offered_at == 0 || k->offered_at < t->from ||
		    k->offered_at >= t->to)
			continue;
		e = arena_alloc(&g->arena, sizeof(*e));
		e->id = MT_EV_offer;
		e->event.offer.at = k->offered_at;
		add_found(g, k->target, e);
	}
}

static enum mt_rc
read_named(struct gathered *g, struct query *q, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;
	size_t at;

	query_add(q, ")");
	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((at = find(g, rows)) == g->n)
			continue;
		g->named = room_for_one(
		    g->named, g->n_named, &g->cap_named, sizeof(*g->named));
		g->named[g->n_named++] = (struct named){ .target = at,
			.born = mt_rows_time(rows, 0),
			.offered = mt_rows_text(rows, 5).p != NULL,
			.rcpt.rcpt =
			    arena_copy(&g->arena, mt_rows_text(rows, 3)),
			.rcpt.key =
			    arena_copy(&g->arena, mt_rows_text(rows, 4)) };
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* Recipients of the i-th message: of long ids a target, of short ones a life.
 */
static enum mt_rc
load_named(
    struct gathered *g, struct query *q, bool is_long, struct mt_err *err)
{
	size_t i, asked = 0, n = is_long ? g->n : g->n_known;

	for (i = 0; i < n; i++) {
		const struct target *t =
		    &g->targets[is_long ? i : g->known[i].target];

		if (!is_long && g->known[i].offered_at == 0)
			continue;
		if (asked == 0)
			query_begin(q,
			    "SELECT r.born, r.host, r.queue_id, r.rcpt, "
			    "r.rcpt_key, r.offered_at FROM recipient r WHERE");
		query_message(q, "r", is_long ? t->born : g->known[i].born,
		    t->host, t->queue_id);
		if (++asked < QUERY_MESSAGES)
			continue;
		if (read_named(g, q, err) != MT_OK)
			return err->rc;
		asked = 0;
	}
	return asked == 0 ? MT_OK : read_named(g, q, err);
}

static int
compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->target < y->target ? -1 : x->target > y->target;
}

static int
compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->born < y->born ? -1 : x->born > y->born;
}

enum mt_rc
gather(struct gathered *g, struct query *q, struct target *targets, size_t n,
    struct mt_err *err)
{
	bool is_long = targets[0].is_long;
	size_t i;

	arena_reset(&g->arena);
	g->targets = targets;
	g->n = n;
	g->n_known = g->n_found = g->n_named = g->strays.n = 0;
	for (i = 0; i < n && is_long; i++) {
		targets[i].from =
		    targets[i].born > EARLY ? targets[i].born - EARLY : 0;
		targets[i].to = MT_TIME_MAX;
	}
	if (!is_long && decide_windows(g, q, targets, err) != MT_OK)
		return err->rc;
	if (load_all_events(g, q, err) != MT_OK ||
	    load_strays(g, q, is_long, err) != MT_OK ||
	    load_named(g, q, is_long, err) != MT_OK)
		return err->rc;
	add_offers(g);
	if (g->n_found > 0)
		qsort(g->found, g->n_found, sizeof(*g->found), compare_found);
	if (g->n_named > 0)
		qsort(g->named, g->n_named, sizeof(*g->named), compare_named);
	return MT_OK;
}
