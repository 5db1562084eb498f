/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "read.h"

/*
 * The index is named: with many ids and a table that looks small, the optimizer
 * would rather read all of the day.
 */
const struct read read_own[] = {
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
	    { "at", "host", "queue_id", "report", "ordinal", "kind", "rcpt",
		"orig_to" } },
};

const size_t read_own_n = sizeof(read_own) / sizeof(read_own[0]);

const struct read read_strays[] = {
	{ MT_EV_scan, "ev_scan FORCE INDEX (message_id)",
	    { "at", "host", "message_id", "twin", "action", "score",
		"client" } },
	{ MT_EV_notice, "ev_notice FORCE INDEX (message_id)",
	    { "at", "host", "message_id", "report", "ordinal", "kind", "rcpt",
		"orig_to" } },
};
const size_t read_strays_n = sizeof(read_strays) / sizeof(read_strays[0]);

static void
read_field(const struct mt_rows *rows, size_t column, const struct mt_field *f,
    void *row, struct arena *arena)
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
		text = arena_copy(arena, text);
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

void
read_begin(struct reader *r, struct query *q, const struct read *read,
    struct arena *arena)
{
	const char *const *c = read->columns;
	size_t i;

	r->id = read->id;
	r->arena = arena;
	query_begin(q, "SELECT ");
	for (i = 0; i < READ_COLUMNS && c[i] != NULL; i++) {
		r->fields[i] = field_of(read->id, c[i]);
		query_add(q, i == 0 ? "`" : ", `");
		query_add(q, c[i]);
		query_add(q, "`");
	}
	r->n = i;
	query_add(q, " FROM ");
	query_add(q, read->table);
	query_add(q, " WHERE ");
}

struct store_event *
read_row(const struct reader *r, const struct mt_rows *rows)
{
	struct store_event *e = arena_alloc(r->arena, sizeof(*e));
	size_t i;

	e->id = r->id;
	for (i = 0; i < r->n; i++)
		read_field(rows, i, r->fields[i], &e->event, r->arena);
	return e;
}
