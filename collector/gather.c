/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gather.h"

/* A log's clock may be behind the one that made a long queue id by this. */
#define EARLY MT_DAY
#define MOST_COLUMNS 20
#define FIRST_ROOM 256

/*
 * The columns that decide, of each kind of event that is about a message. The
 * index is named: with many ids and a table that looks small, the optimizer
 * would rather read all of the day.
 */
static const struct load {
	enum mt_event id;
	const char *table;
	const char *columns[MOST_COLUMNS];
} loads[] = {
	{ MT_EV_queue, "ev_queue FORCE INDEX (message)",
	    { "at", "host", "queue_id", "line", "step", "client", "user",
		"sender", "size", "nrcpt", "message_id", "other",
		"other_host" } },
	{ MT_EV_deliver, "ev_deliver FORCE INDEX (message)",
	    { "at", "host", "queue_id", "line", "rcpt", "orig_to", "outcome",
		"tag", "relay", "relay_name", "delay", "dsn", "next",
		"text" } },
	{ MT_EV_reject, "ev_reject FORCE INDEX (message)",
	    { "at", "host", "queue_id", "line", "action", "judge", "stage",
		"dsn", "text", "sender", "rcpt" } },
	{ MT_EV_scan, "ev_scan FORCE INDEX (message)",
	    { "at", "host", "queue_id", "twin", "action", "score" } },
	{ MT_EV_notice, "ev_notice FORCE INDEX (message)",
	    { "at", "host", "queue_id", "ordinal", "kind", "rcpt", "orig_to",
		"dsn", "reporter", "text" } },
};

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

/* " FROM table WHERE queue_id IN (?, ...)" of the targets from..to. */
static void
ask_ids(const struct gathered *g, struct query *q, const char *table,
    size_t from, size_t to)
{
	size_t i;

	query_add(q, " FROM ");
	query_add(q, table);
	query_add(q, " WHERE queue_id IN (");
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
	    "IF(offers + recipients + marks > 0, born, NULL)");
	ask_ids(g, q, "message", from, to);
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
			.offered_at = mt_rows_time(rows, 4) };
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
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
	size_t from, to, i, k = 0, first;

	for (from = 0; from < g->n; from = to) {
		to = g->n - from < QUERY_TOKENS ? g->n : from + QUERY_TOKENS;
		if (load_known(g, q, from, to, err) != MT_OK)
			return err->rc;
	}
	if (g->n_known > 0)
		qsort(g->known, g->n_known, sizeof(*g->known), compare_known);
	for (i = 0; i < g->n; i++) {
		first = k;
		while (k < g->n_known && g->known[k].target == i)
			k++;
		decide_window(&targets[i], g->known + first, k - first);
	}
	return MT_OK;
}

static void
read_field(struct gathered *g, const struct mt_rows *rows, size_t column,
    const struct mt_field *f, void *row)
{
	struct mt_str text = mt_rows_text(rows, column);
	struct mt_err err;
	int64_t at;

	if (text.p == NULL)
		return;
	if (f->type == MT_TIME) {
		at = mt_rows_time(rows, column);
		memcpy((char *)row + f->off, &at, sizeof(at));
		return;
	}
	if (f->type == MT_STR)
		text = arena_copy(&g->arena, text);
	/* We stored it ourselves; a word of a newer version says nothing. */
	(void)(mt_field_read(f, text, row, &err) == MT_OK);
}

static const struct mt_field *
field_of(enum mt_event id, const char *name)
{
	const struct mt_event_desc *desc = &mt_events[id];
	size_t i;

	for (i = 0; i < desc->n; i++)
		if (strcmp(desc->fields[i].name, name) == 0)
			break;
	assert(i < desc->n);
	return &desc->fields[i];
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
read_events(struct gathered *g, struct query *q, enum mt_event id,
    const struct mt_field *const *fields, size_t n, struct mt_err *err)
{
	struct store_event *e;
	struct mt_rows *rows;
	int64_t at;
	size_t i, target;
	enum mt_rc rc;

	if (query_run(q, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((target = find(g, rows)) == g->n)
			continue;
		at = mt_rows_time(rows, 0);
		if (at < g->targets[target].from || at >= g->targets[target].to)
			continue;
		e = arena_alloc(&g->arena, sizeof(*e));
		e->id = id;
		for (i = 0; i < n; i++)
			read_field(g, rows, i, fields[i], &e->event);
		add_found(g, target, e);
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
load_events(struct gathered *g, struct query *q, const struct load *load,
    size_t from, size_t to, struct mt_err *err)
{
	const struct mt_field *fields[MOST_COLUMNS];
	int64_t least = MT_TIME_MAX;
	size_t i, n;

	query_begin(q, "SELECT ");
	for (n = 0; n < MOST_COLUMNS && load->columns[n] != NULL; n++) {
		fields[n] = field_of(load->id, load->columns[n]);
		query_add(q, n == 0 ? "`" : ", `");
		query_add(q, load->columns[n]);
		query_add(q, "`");
	}
	ask_ids(g, q, load->table, from, to);
	for (i = from; i < to; i++)
		if (g->targets[i].from < least)
			least = g->targets[i].from;
	query_add(q, " AND at >= ?");
	query_time(q, least);
	return read_events(g, q, load->id, fields, n, err);
}

static enum mt_rc
load_all_events(struct gathered *g, struct query *q, struct mt_err *err)
{
	size_t i, from, to;

	for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		for (from = 0; from < g->n; from = to) {
			to = g->n - from < QUERY_TOKENS ? g->n
							: from + QUERY_TOKENS;
			if (load_events(g, q, &loads[i], from, to, err) !=
			    MT_OK)
				return err->rc;
		}
	}
	return MT_OK;
}

/* Each offer of a short id is a life of its own, so its row tells of it. */
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
	g->n_known = g->n_found = g->n_named = 0;
	for (i = 0; i < n && is_long; i++) {
		targets[i].from =
		    targets[i].born > EARLY ? targets[i].born - EARLY : 0;
		targets[i].to = MT_TIME_MAX;
	}
	if (!is_long && decide_windows(g, q, targets, err) != MT_OK)
		return err->rc;
	if (load_all_events(g, q, err) != MT_OK ||
	    load_named(g, q, is_long, err) != MT_OK)
		return err->rc;
	if (!is_long)
		add_offers(g);
	if (g->n_found > 0)
		qsort(g->found, g->n_found, sizeof(*g->found), compare_found);
	if (g->n_named > 0)
		qsort(g->named, g->n_named, sizeof(*g->named), compare_named);
	return MT_OK;
}
