/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fate.h"
#include "fresh.h"
#include "life.h"
#include "mail/queue_id.h"

static bool
begins(const struct store_event *e)
{
	return e->id == MT_EV_queue &&
	    (e->event.queue.step == MT_step_client ||
		e->event.queue.step == MT_step_pickup ||
		e->event.queue.step == MT_step_message_id);
}

/* Is it worth trying? */
static bool
may_be(const struct fresh *f, const struct target *t)
{
	int64_t at;
	size_t i;

	/* A time that is not believed depends on what else there is. */
	if (!t->unseen || !mt_queue_id_time(t->queue_id, &at) || at != t->born)
		return false;
	for (i = 0; i < t->n_events; i++)
		if (begins(f->events[t->first_event + i]))
			return true;
	return false;
}

static void
work_out(const struct fresh *f)
{
	const struct target *t;
	struct life life; /* a long id has one */
	size_t i;

	for (i = 0; i < f->n; i++) {
		t = &f->targets[i];
		if (!t->unseen)
			continue;
		(void)life_split(t->queue_id, f->events + t->first_event,
		    t->n_events, &life);
		life.born = t->born;
		fate_fold(f->fold, &life, t->host, t->queue_id, NULL, 0);
	}
}

/* Rows that were there: others know of these messages. */
static size_t
note_seen(struct fresh *f, const struct fold_rows *rows, const bool *added)
{
	const struct mt_row_message *m;
	struct target key, *t;
	size_t i, n = 0;

	for (i = 0; i < rows->n; i++) {
		if (added[i])
			continue;
		m = rows->rows[i];
		key =
		    (struct target){ .host = m->host, .queue_id = m->queue_id };
		t = bsearch(
		    &key, f->targets, f->n, sizeof(key), target_compare);
		t->unseen = false;
		n++;
	}
	return n;
}

enum mt_rc
fresh_make(struct fresh *f, struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_message;
	struct fold_rows *rows = &f->fold->tables[id];
	bool *added;
	size_t i;

	for (i = 0; i < f->n; i++)
		f->targets[i].unseen = may_be(f, &f->targets[i]);
	work_out(f);
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	if (rows->n == 0)
		return MT_OK;
	mt_bulk_clear(f->message);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(f->message, rows->rows[i]);
	added = mt_alloc_array(rows->n, sizeof(*added));
	if (mt_bulk_insert(f->message, added, err) != MT_OK) {
		mt_free(added);
		return err->rc;
	}
	/* Without what was worked out of those that were not. */
	if (note_seen(f, rows, added) > 0) {
		fold_reset(f->fold);
		work_out(f);
	}
	rows->n = 0;
	mt_free(added);
	return MT_OK;
}
