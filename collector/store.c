/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/secret.h"
#include "db/bulk.h"
#include "db/schema.h"
#include "fold.h"
#include "mail/queue_id.h"
#include "settle.h"
#include "store.h"
#include "trail.h"

/* The order in which tables are locked, in every transaction of ours. */
static const enum mt_table_id order[] = { MT_TABLE_message, MT_TABLE_recipient,
	MT_TABLE_token, MT_TABLE_open_day, MT_TABLE_counter };
#define ORDER_N (sizeof(order) / sizeof(order[0]))

struct store {
	struct mt_db_options options;
	struct mt_str password_file;
	struct mt_buf password;
	struct mt_db *db;
	struct mt_bulk *events[MT_EV_N];
	struct mt_bulk *tables[ORDER_N];
	struct fold fold;
	struct settle *settle;
	struct trail *trail;
	const struct store_event **sorted; /* of one kind, by key */
	bool *added;
	bool *merged; /* message rows; there are no more than events */
	size_t cap; /* of these three */
};

struct store *
store_new(const struct mt_db_options *options, struct mt_str password_file)
{
	struct store *s = mt_alloc(sizeof(*s));

	s->options = *options;
	s->password_file = password_file;
	mt_buf_init(&s->password, 0);
	fold_init(&s->fold);
	return s;
}

void
store_disconnect(struct store *s)
{
	size_t i;

	for (i = 0; i < MT_EV_N; i++) {
		mt_bulk_free(s->events[i]);
		s->events[i] = NULL;
	}
	for (i = 0; i < ORDER_N; i++) {
		mt_bulk_free(s->tables[i]);
		s->tables[i] = NULL;
	}
	settle_free(s->settle);
	s->settle = NULL;
	trail_free(s->trail);
	s->trail = NULL;
	mt_db_close(s->db);
	s->db = NULL;
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	store_disconnect(s);
	mt_secret_done(&s->password);
	fold_done(&s->fold);
	mt_free(s->sorted);
	mt_free(s->added);
	mt_free(s->merged);
	mt_free(s);
}

struct mt_db *
store_db(struct store *s)
{
	return s->db;
}

enum mt_rc
store_connect(struct store *s, struct mt_err *err)
{
	struct mt_table t;
	size_t i;

	if (s->db != NULL)
		return MT_OK;
	if (mt_secret_option(s->password_file, &s->password,
		&s->options.password, err) != MT_OK ||
	    mt_db_open(&s->options, &s->db, err) != MT_OK)
		return err->rc;
	if (mt_schema_check(s->db, err) != MT_OK) {
		store_disconnect(s);
		return err->rc;
	}
	for (i = 0; i < MT_EV_N; i++) {
		t = mt_table_of_event((enum mt_event)i);
		s->events[i] = mt_bulk_new(s->db, &t);
	}
	for (i = 0; i < ORDER_N; i++)
		s->tables[i] = mt_bulk_new(s->db, &mt_tables[order[i]]);
	s->settle = settle_new(s->db);
	s->trail = trail_new(s->db);
	return MT_OK;
}

static void
make_room(struct store *s, size_t n)
{
	if (n <= s->cap)
		return;
	s->sorted = mt_realloc_array(s->sorted, n, sizeof(const void *));
	s->added = mt_realloc_array(s->added, n, sizeof(*s->added));
	s->merged = mt_realloc_array(s->merged, n, sizeof(*s->merged));
	s->cap = n;
}

static int
compare(const void *a, const void *b, void *table)
{
	const struct store_event *x = *(const struct store_event *const *)a;
	const struct store_event *y = *(const struct store_event *const *)b;

	return mt_table_compare(table, &x->event, &y->event);
}

/* What was stored, now or before, about which message? */
static void
touch(struct store *s, const struct store_event *e, bool added)
{
	bool is_short;

	trail_touch_event(s->trail, e, added);
	if (e->id != MT_EV_offer && e->id != MT_EV_rcpt)
		return;
	/* A new one of a long id, if it merges with what was there. */
	is_short = !mt_queue_id_time(e->event.offer.queue_id, NULL);
	if (is_short || !added)
		trail_touch(s->trail, e->event.offer.host,
		    e->event.offer.queue_id, e->event.offer.at);
}

static void
suspect_offer(struct store *s, const struct mt_ev_offer *e)
{
	touch_suspect(settle_touch(s->settle),
	    &(struct touch_suspect){
		.born = mt_message_born(e->queue_id, e->at),
		.host = e->host,
		.queue_id = e->queue_id });
}

/* Insert the events of one kind, and fold those that were new. */
static enum mt_rc
insert_kind(struct store *s, enum mt_event id, const struct store_event *events,
    size_t n, size_t *ret_new, struct mt_err *err)
{
	struct mt_table t = mt_table_of_event(id);
	struct mt_bulk *bulk = s->events[id];
	size_t i, kind = 0;

	for (i = 0; i < n; i++)
		if (events[i].id == id)
			s->sorted[kind++] = &events[i];
	if (kind == 0)
		return MT_OK;
	qsort_r(s->sorted, kind, sizeof(const void *), compare, &t);
	mt_bulk_clear(bulk);
	for (i = 0; i < kind; i++)
		mt_bulk_add(bulk, &s->sorted[i]->event);
	if (mt_bulk_insert(bulk, s->added, err) != MT_OK)
		return err->rc;
	for (i = 0; i < kind; i++) {
		touch(s, s->sorted[i], s->added[i]);
		if (!s->added[i]) {
			if (id == MT_EV_offer)
				suspect_offer(s, &s->sorted[i]->event.offer);
			continue;
		}
		fold_event(&s->fold, id, &s->sorted[i]->event);
		(*ret_new)++;
	}
	return MT_OK;
}

/* Messages that were there before: opens and the log may have come first. */
static void
suspect_merged(struct store *s, const struct fold_rows *rows)
{
	const struct mt_row_message *m;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		m = rows->rows[i];
		if (s->merged[i] && m->offers > 0)
			touch_suspect(settle_touch(s->settle),
			    &(struct touch_suspect){ .born = m->born,
				.host = m->host,
				.queue_id = m->queue_id });
		if (s->merged[i] && m->offers + m->recipients > 0)
			trail_touch(s->trail, m->host, m->queue_id, m->born);
	}
}

static enum mt_rc
merge_table(struct store *s, size_t at, struct mt_err *err)
{
	struct fold_rows *rows = &s->fold.tables[order[at]];
	bool tell = order[at] == MT_TABLE_message;
	size_t i;

	mt_bulk_clear(s->tables[at]);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(s->tables[at], rows->rows[i]);
	if (mt_bulk_upsert(s->tables[at], tell ? s->merged : NULL, err) !=
	    MT_OK)
		return err->rc;
	if (tell)
		suspect_merged(s, rows);
	return MT_OK;
}

static enum mt_rc
transact(struct store *s, const struct store_event *events, size_t n,
    size_t *ret_new, struct mt_err *err)
{
	size_t i;

	if (mt_db_exec(s->db, "START TRANSACTION", err) != MT_OK)
		return err->rc;
	for (i = 0; i < MT_EV_N; i++)
		if (insert_kind(s, (enum mt_event)i, events, n, ret_new, err) !=
		    MT_OK)
			return err->rc;
	fold_finish(&s->fold);
	for (i = 0; i < ORDER_N; i++)
		if (merge_table(s, i, err) != MT_OK)
			return err->rc;
	return mt_db_exec(s->db, "COMMIT", err);
}

/* A statement that is refused is a symptom; the schema may have the cause. */
static void
explain(struct store *s, struct mt_err *err)
{
	struct mt_err why;

	if (err->rc == MT_CONFIG && store_connect(s, &why) == MT_CONFIG)
		*err = why;
}

enum mt_rc
store_events(struct store *s, const struct store_event *events, size_t n,
    size_t *ret_new, struct mt_err *err)
{
	*ret_new = 0;
	if (store_connect(s, err) != MT_OK)
		return err->rc;
	make_room(s, n);
	fold_reset(&s->fold);
	touch_begin(settle_touch(s->settle));
	trail_begin(s->trail);
	if (transact(s, events, n, ret_new, err) != MT_OK ||
	    settle_events(s->settle, events, n, err) != MT_OK ||
	    trail_follow(s->trail, err) != MT_OK) {
		/* Which also rolls back. */
		store_disconnect(s);
		explain(s, err);
		return err->rc;
	}
	return MT_OK;
}
