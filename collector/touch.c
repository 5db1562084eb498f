/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/queue_id.h"
#include "touch.h"

/* Most opens come this soon: their tokens are sought in few partitions. */
#define SOON (3 * MT_DAY)
/* A mail host's clock may be ahead of a pixel host's by this much. */
#define AHEAD (3600 * MT_SECOND)

void
touch_init(struct touch *t, struct query *query, struct fold *found)
{
	*t = (struct touch){ .query = query, .found = found };
}

void
touch_done(struct touch *t)
{
	mt_free(t->suspects);
}

void
touch_begin(struct touch *t)
{
	t->n = 0;
}

void
touch_suspect(struct touch *t, const struct touch_suspect *suspect)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? QUERY_MESSAGES : t->cap * 2;
		t->suspects =
		    mt_realloc_array(t->suspects, t->cap, sizeof(*t->suspects));
	}
	t->suspects[t->n++] = *suspect;
}

/* Note a message as touched; its texts are copied. */
static void
note(struct touch *t, int64_t born, struct mt_str host, struct mt_str queue_id)
{
	struct fold_rows *rows = &t->found->tables[MT_TABLE_message_open];
	struct mt_row_message_open *m =
	    arena_alloc(&t->found->arena, sizeof(*m));

	m->born = born;
	m->host = arena_copy(&t->found->arena, host);
	m->queue_id = arena_copy(&t->found->arena, queue_id);
	if (rows->n == rows->cap) {
		rows->cap = rows->cap == 0 ? QUERY_MESSAGES : rows->cap * 2;
		rows->rows = mt_realloc_array(
		    rows->rows, rows->cap, sizeof(*rows->rows));
	}
	rows->rows[rows->n++] = m;
}

/* Touch the messages whose keys a query's first three columns are. */
static enum mt_rc
note_found(struct touch *t, size_t *ret_found, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;

	if (query_run(t->query, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		note(t, mt_rows_time(rows, 0), mt_rows_text(rows, 1),
		    mt_rows_text(rows, 2));
		(*ret_found)++;
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* A token, and the earliest time we know it at. */
struct token {
	struct mt_str text;
	int64_t at;
};

static int
compare_tokens(const void *a, const void *b)
{
	return mt_str_cmp(
	    ((const struct token *)a)->text, ((const struct token *)b)->text);
}

/* The tokens of the events of a kind, each once; they live in the fold. */
static struct token *
list_tokens(struct touch *t, enum mt_event id, const struct store_event *events,
    size_t n, size_t *ret_n)
{
	struct token *list;
	size_t i, left = 0, count = 0;

	for (i = 0; i < n; i++)
		count += events[i].id == id;
	list = arena_alloc(&t->found->arena, (count + 1) * sizeof(*list));
	for (i = 0, count = 0; i < n; i++) {
		const union mt_event_any *e = &events[i].event;

		if (events[i].id != id)
			continue;
		list[count].text =
		    id == MT_EV_open ? e->open.token : e->mark.token;
		list[count++].at = id == MT_EV_open
		    ? e->open.at
		    : mt_message_born(e->mark.queue_id, e->mark.at);
	}
	qsort(list, count, sizeof(*list), compare_tokens);
	for (i = 1; i < count; i++) {
		if (mt_str_cmp(list[i].text, list[left].text) != 0)
			list[++left] = list[i];
		else if (list[i].at < list[left].at)
			list[left].at = list[i].at;
	}
	*ret_n = count == 0 ? 0 : left + 1;
	return list;
}

/* " IN (?, …)" for at most QUERY_TOKENS of them, and the span of their times.
 */
static void
add_tokens(struct touch *t, const struct token *list, size_t n,
    int64_t *ret_least, int64_t *ret_most)
{
	size_t i;

	*ret_least = *ret_most = list[0].at;
	query_add(t->query, " IN (");
	for (i = 0; i < n; i++) {
		query_add(t->query, i == 0 ? "?" : ", ?");
		query_text(t->query, list[i].text);
		if (list[i].at < *ret_least)
			*ret_least = list[i].at;
		if (list[i].at > *ret_most)
			*ret_most = list[i].at;
	}
	query_add(t->query, ")");
}

void
touch_days(const struct touch *t, int64_t born)
{
	query_add(t->query, " AND o.day >= ? AND o.day <= ?");
	query_time(t->query, born - born % MT_DAY - TOUCH_EARLY);
	query_time(t->query, t->last_day);
}

/*
 * The last day that any open is of: tomorrow, unless a pixel host's clock is
 * far ahead. (An open that is committed after this look finds its mark by
 * itself.)
 */
enum mt_rc
touch_last_day(struct touch *t, struct mt_err *err)
{
	int64_t now = mt_clock_now();
	struct mt_rows *rows;
	enum mt_rc rc;

	t->last_day = now - now % MT_DAY + MT_DAY;
	query_begin(t->query, "SELECT 1 FROM open_day WHERE day > ? LIMIT 1");
	query_time(t->query, t->last_day);
	if (query_run(t->query, &rows, err) != MT_OK)
		return err->rc;
	if ((rc = mt_rows_next(rows, err)) == MT_OK)
		t->last_day = MT_TIME_MAX;
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/*
 * The messages of opened tokens: among the latest partitions first; if any
 * token is not found there, among all.
 */
static enum mt_rc
find_opens(struct touch *t, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	size_t from, some, found;
	struct token *list = list_tokens(t, MT_EV_open, events, n, &n);
	struct query *q = t->query;
	int64_t least, most;

	for (from = 0; from < n; from += some) {
		some = n - from < QUERY_TOKENS ? n - from : QUERY_TOKENS;
		found = 0;
		query_begin(q,
		    "SELECT DISTINCT born, host, queue_id, token FROM token "
		    "WHERE token");
		add_tokens(t, list + from, some, &least, &most);
		query_add(q, " AND born BETWEEN ? AND ?");
		query_time(q, least - SOON);
		query_time(q, most + AHEAD);
		if (note_found(t, &found, err) != MT_OK)
			return err->rc;
		if (found >= some)
			continue;
		q->args[q->n - 2] = MT_LIT("1970-01-01 00:00:00");
		q->args[q->n - 1] = MT_LIT("9999-12-31 23:59:59.999999");
		if (note_found(t, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* The messages of marks whose token was opened before its mark arrived. */
static enum mt_rc
find_marks(struct touch *t, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	size_t from, some, found = 0;
	struct token *list = list_tokens(t, MT_EV_mark, events, n, &n);
	struct query *q = t->query;
	int64_t least, most;

	for (from = 0; from < n; from += some) {
		some = n - from < QUERY_TOKENS ? n - from : QUERY_TOKENS;
		query_begin(q,
		    "SELECT DISTINCT t.born, t.host, t.queue_id FROM open_day "
		    "o STRAIGHT_JOIN token t ON t.token = o.token WHERE "
		    "o.token");
		add_tokens(t, list + from, some, &least, &most);
		touch_days(t, least);
		query_add(q, " AND t.born BETWEEN ? AND ?");
		query_time(q, least);
		query_time(q, most);
		if (note_found(t, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* The suspects that do have opens. */
static enum mt_rc
find_suspects(struct touch *t, struct mt_err *err)
{
	const struct touch_suspect *one;
	size_t i, from, to, found = 0;
	int64_t least;

	for (from = 0; from < t->n; from = to) {
		to =
		    t->n - from < QUERY_MESSAGES ? t->n : from + QUERY_MESSAGES;
		least = t->suspects[from].born;
		query_begin(t->query,
		    "SELECT DISTINCT t.born, t.host, t.queue_id FROM token t "
		    "STRAIGHT_JOIN open_day o ON o.token = t.token WHERE");
		for (i = from; i < to; i++) {
			one = &t->suspects[i];
			if (one->born < least)
				least = one->born;
			query_message(
			    t->query, "t", one->born, one->host, one->queue_id);
		}
		query_add(t->query, ")");
		touch_days(t, least);
		if (note_found(t, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

enum mt_rc
touch_find(struct touch *t, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_message_open;
	struct fold_rows *rows = &t->found->tables[id];

	fold_reset(t->found);
	if (touch_last_day(t, err) != MT_OK ||
	    find_opens(t, events, n, err) != MT_OK ||
	    find_marks(t, events, n, err) != MT_OK ||
	    find_suspects(t, err) != MT_OK)
		return err->rc;
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	return MT_OK;
}
