/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "wrong.h"

#define FIRST_ROOM 256

void
wrong_init(struct wrong *w, struct query *query)
{
	*w = (struct wrong){ .query = query };
}

void
wrong_done(struct wrong *w)
{
	mt_free(w->lives);
}

void
wrong_begin(struct wrong *w)
{
	w->n = 0;
}

static void
note(struct wrong *w, const struct target *target, int64_t born, bool gone)
{
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? FIRST_ROOM : w->cap * 2;
		w->lives =
		    mt_realloc_array(w->lives, w->cap, sizeof(*w->lives));
	}
	w->lives[w->n++] = (struct wrong_life){ target, born, gone };
}

void
wrong_find(struct wrong *w, const struct target *target,
    const struct known *known, size_t n_known, const struct life *lives,
    size_t n)
{
	int64_t start;
	size_t i, k;
	bool there;

	for (k = 0; k < n_known; k++) {
		start = known_start(&known[k]);
		if (start < target->from || start >= target->to ||
		    (target->context && start == target->from))
			continue;
		there = false;
		for (i = 0; i < n && !there; i++)
			there = lives[i].born == known[k].born;
		if (!there || n > 1 || n_known > 1)
			note(w, target, known[k].born, !there);
	}
}

/*
 * "UPDATE t x SET c = NULL, ... WHERE" of all that is worked out here, and of
 * what no offer said.
 */
static void
begin_reset(struct query *q, const struct mt_table *table)
{
	const char *between = " x SET `", *c;
	size_t i;

	query_begin(q, "UPDATE ");
	query_add(q, table->name);
	for (i = 0; i < table->n; i++) {
		c = table->columns[i].name;
		if (table->rules[i] != MT_RULE_SET &&
		    table->rules[i] != MT_RULE_FIRST)
			continue;
		query_add(q, between);
		query_add(q, c);
		if (table->rules[i] == MT_RULE_SET) {
			query_add(q, "` = NULL");
		} else {
			query_add(q, "` = IF(x.offered_at IS NULL, NULL, x.`");
			query_add(q, c);
			query_add(q, "`)");
		}
		between = ", `";
	}
	query_add(q, " WHERE");
}

/* One statement about wrong lives' rows; only the gone ones', if so told. */
static enum mt_rc
about(struct wrong *w, const char *sql, const struct mt_table *table,
    const char *and, bool gone, struct mt_err *err)
{
	const struct wrong_life *l;
	size_t i, asked = 0;

	for (i = 0; i < w->n; i++) {
		l = &w->lives[i];
		if (gone && !l->gone)
			continue;
		if (asked == 0 && table != NULL)
			begin_reset(w->query, table);
		else if (asked == 0)
			query_begin(w->query, sql);
		query_message(w->query, "x", l->born, l->target->host,
		    l->target->queue_id);
		if (++asked < QUERY_MESSAGES && i + 1 < w->n)
			continue;
		query_add(w->query, and);
		if (query_do(w->query, err) != MT_OK)
			return err->rc;
		asked = 0;
	}
	if (asked == 0)
		return MT_OK;
	query_add(w->query, and);
	return query_do(w->query, err);
}

enum mt_rc
wrong_undo(struct wrong *w, struct mt_err *err)
{
	const struct mt_table *message = &mt_tables[MT_TABLE_message];
	const struct mt_table *recipient = &mt_tables[MT_TABLE_recipient];

	/* What an offer has made in the meantime stays. */
	if (about(w, "", message, ")", false, err) != MT_OK ||
	    about(w, "DELETE x FROM message x WHERE", NULL,
		") AND x.offers + x.recipients + x.marks = 0", true,
		err) != MT_OK ||
	    about(w, "", recipient, ")", false, err) != MT_OK ||
	    about(w, "DELETE x FROM recipient x WHERE", NULL,
		") AND x.offered_at IS NULL", false, err) != MT_OK ||
	    about(w, "DELETE x FROM delivery x WHERE", NULL, ")", false, err) !=
		MT_OK)
		return err->rc;
	return about(w, "DELETE x FROM tie x WHERE", NULL, ")", false, err);
}

enum mt_rc
wrong_drop_renamed(
    struct wrong *w, const struct gathered *g, struct mt_err *err)
{
	struct query *q = w->query;
	const struct named *one, *other;
	const struct target *target;
	size_t i, from = 0;

	for (i = 0; i < g->n_named; i++) {
		one = &g->named[i];
		other = &g->named[from];
		if (one->target != other->target || one->born != other->born)
			other = &g->named[from = i];
		if (one->offered)
			continue;
		for (; other < g->named + g->n_named &&
		     other->target == one->target && other->born == one->born;
		     other++)
			if (other->offered &&
			    mt_str_eq(other->rcpt.key, one->rcpt.key))
				break;
		if (other == g->named + g->n_named || !other->offered ||
		    other->target != one->target || other->born != one->born)
			continue;
		target = &g->targets[one->target];
		query_begin(q,
		    "DELETE FROM recipient WHERE born = ? AND host = ? AND "
		    "queue_id = ? AND rcpt = ? AND offered_at IS NULL");
		query_time(q, one->born);
		query_text(q, target->host);
		query_text(q, target->queue_id);
		query_text(q, one->rcpt.rcpt);
		if (query_do(q, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}
