/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/bulk.h"
#include "fresh.h"
#include "gather.h"
#include "life.h"
#include "mail/queue_id.h"
#include "trail.h"

#define FIRST_ROOM 256
#define SLOTS 4096 /* of life_lock */

/* The order in which tables are locked and written. */
static const enum mt_table_id order[] = { MT_TABLE_message, MT_TABLE_recipient,
	MT_TABLE_delivery, MT_TABLE_tie };
#define ORDER_N (sizeof(order) / sizeof(order[0]))

/* A life of a short id whose rows are to be made anew, or are to go. */
struct wrong {
	struct known life;
	bool gone;
};

struct trail {
	struct mt_db *db;
	struct query query;
	struct mt_bulk *tables[ORDER_N];
	struct mt_bulk *locks; /* life_lock */
	struct gathered gathered;
	struct fold fold; /* the rows worked out */
	struct target *targets; /* short ones first */
	size_t n, cap;
	const struct store_event **own; /* what touched them */
	size_t cap_own;
	/* Of one target. */
	const struct store_event **events;
	struct life *lives;
	size_t cap_events;
	struct wrong *wrong;
	size_t n_wrong, cap_wrong;
};

struct trail *
trail_new(struct mt_db *db)
{
	struct trail *t = mt_alloc(sizeof(*t));
	size_t i;

	t->db = db;
	query_init(&t->query, db);
	for (i = 0; i < ORDER_N; i++)
		t->tables[i] = mt_bulk_new(db, &mt_tables[order[i]]);
	t->locks = mt_bulk_new(db, &mt_tables[MT_TABLE_life_lock]);
	gathered_init(&t->gathered);
	fold_init(&t->fold);
	return t;
}

void
trail_free(struct trail *t)
{
	size_t i;

	if (t == NULL)
		return;
	query_done(&t->query);
	for (i = 0; i < ORDER_N; i++)
		mt_bulk_free(t->tables[i]);
	mt_bulk_free(t->locks);
	gathered_done(&t->gathered);
	fold_done(&t->fold);
	mt_free(t->targets);
	mt_free(t->own);
	mt_free(t->events);
	mt_free(t->lives);
	mt_free(t->wrong);
	mt_free(t);
}

void
trail_begin(struct trail *t)
{
	t->n = 0;
}

static void
touch(struct trail *t, struct mt_str host, struct mt_str queue_id, int64_t at,
    const struct store_event *event)
{
	if (queue_id.n == 0)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? FIRST_ROOM : t->cap * 2;
		t->targets =
		    mt_realloc_array(t->targets, t->cap, sizeof(*t->targets));
	}
	t->targets[t->n++] = (struct target){ .host = host,
		.queue_id = queue_id,
		.least = at,
		.most = at,
		.event = event };
}

void
trail_touch(
    struct trail *t, struct mt_str host, struct mt_str queue_id, int64_t at)
{
	touch(t, host, queue_id, at, NULL);
}

void
trail_touch_event(struct trail *t, const struct store_event *event, bool added)
{
	const union mt_event_any *e = &event->event;
	const struct store_event *own = added ? event : NULL;

	if (event->id == MT_EV_queue)
		touch(t, e->queue.host, e->queue.queue_id, e->queue.at, own);
	else if (event->id == MT_EV_deliver)
		touch(t, e->deliver.host, e->deliver.queue_id, e->deliver.at,
		    own);
	else if (event->id == MT_EV_reject)
		touch(t, e->reject.host, e->reject.queue_id, e->reject.at, own);
	else if (event->id == MT_EV_scan)
		touch(t, e->scan.host, e->scan.queue_id, e->scan.at, own);
	else if (event->id == MT_EV_notice)
		touch(t, e->notice.host, e->notice.queue_id, e->notice.at, own);
}

static int
compare_targets(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->is_long != y->is_long)
		return (int)x->is_long - (int)y->is_long;
	return target_compare(x, y);
}

/* What touched one target more than once. */
static void
join(struct trail *t, struct target *into, const struct target *more,
    size_t *n_own)
{
	if (more->event != NULL) {
		t->own[(*n_own)++] = more->event;
		into->n_events++;
	} else {
		into->unseen = false;
	}
	if (more->least < into->least)
		into->least = more->least;
	if (more->most > into->most)
		into->most = more->most;
}

/* Each once, short ones first; returns how many of those there are. */
static size_t
sort_targets(struct trail *t)
{
	struct target *all = t->targets, one;
	size_t i, n = 0, n_own = 0, is_short = 0;

	if (t->n > t->cap_own) {
		t->cap_own = t->cap;
		t->own =
		    mt_realloc_array(t->own, t->cap_own, sizeof(const void *));
	}
	for (i = 0; i < t->n; i++)
		all[i].is_long = mt_queue_id_time(all[i].queue_id, NULL);
	qsort(all, t->n, sizeof(*all), compare_targets);
	for (i = 0; i < t->n; i++) {
		one = all[i];
		if (n == 0 || target_compare(&all[n - 1], &one) != 0) {
			all[n] = one;
			all[n].unseen = true;
			all[n++].first_event = n_own;
		}
		join(t, &all[n - 1], &one, &n_own);
	}
	t->n = n;
	for (i = 0; i < t->n; i++) {
		all[i].born = mt_message_born(all[i].queue_id, all[i].least);
		is_short += !all[i].is_long;
	}
	return is_short;
}

/* Make or lock the rows of messages with long ids, in the order of their key.
 */
static enum mt_rc
lock_messages(
    struct trail *t, const struct target *targets, size_t n, struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_message;
	struct fold_rows *rows = &t->fold.tables[id];
	size_t i;

	for (i = 0; i < n; i++)
		(void)fold_row(&t->fold, id,
		    &(struct mt_row_message){ .born = targets[i].born,
			.host = targets[i].host,
			.queue_id = targets[i].queue_id });
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	mt_bulk_clear(t->tables[0]);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(t->tables[0], rows->rows[i]);
	rows->n = 0;
	return mt_bulk_upsert(t->tables[0], NULL, err);
}

static enum mt_rc
lock_slots(
    struct trail *t, const struct target *targets, size_t n, struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_life_lock;
	struct fold_rows *rows = &t->fold.tables[id];
	uint64_t hash;
	size_t i;

	for (i = 0; i < n; i++) {
		hash = mt_str_hash(
		    targets[i].queue_id, mt_str_hash(targets[i].host, MT_HASH));
		(void)fold_row(&t->fold, id,
		    &(struct mt_row_life_lock){ .slot = hash % SLOTS });
	}
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	mt_bulk_clear(t->locks);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(t->locks, rows->rows[i]);
	rows->n = 0;
	return mt_bulk_upsert(t->locks, NULL, err);
}

/* The recipients that an offer of this message named. */
static size_t
named_of(const struct gathered *g, size_t *at, size_t target, int64_t born,
    struct fold *f, const struct fate_rcpt **ret)
{
	struct fate_rcpt *list;
	size_t i, n = 0, offered = 0;

	while (*at < g->n_named &&
	    (g->named[*at].target < target ||
		(g->named[*at].target == target && g->named[*at].born < born)))
		(*at)++;
	while (*at + n < g->n_named && g->named[*at + n].target == target &&
	    g->named[*at + n].born == born)
		n++;
	list = arena_alloc(&f->arena, (n + 1) * sizeof(*list));
	for (i = 0; i < n; i++)
		if (g->named[*at + i].offered)
			list[offered++] = g->named[*at + i].rcpt;
	*ret = list;
	return offered;
}

static void
note_wrong(struct trail *t, const struct known *k, bool gone)
{
	if (t->n_wrong == t->cap_wrong) {
		t->cap_wrong =
		    t->cap_wrong == 0 ? FIRST_ROOM : t->cap_wrong * 2;
		t->wrong =
		    mt_realloc_array(t->wrong, t->cap_wrong, sizeof(*t->wrong));
	}
	t->wrong[t->n_wrong++] = (struct wrong){ .life = *k, .gone = gone };
}

/*
 * Rows that stand where lives begin no longer go; and when there are several
 * lives, anything may have moved from one to another.
 */
static void
find_wrong(struct trail *t, const struct target *target,
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
			note_wrong(t, &known[k], !there);
	}
}

static void
make_room(struct trail *t, size_t n)
{
	if (n <= t->cap_events)
		return;
	t->cap_events = n * 2;
	t->events =
	    mt_realloc_array(t->events, t->cap_events, sizeof(const void *));
	t->lives = mt_realloc_array(t->lives, t->cap_events, sizeof(*t->lives));
}

/* Where each target's part of what was gathered begins. */
struct place {
	size_t found, known, named;
};

static void
work_out(struct trail *t, size_t i, struct place *at)
{
	const struct gathered *g = &t->gathered;
	const struct target *target = &g->targets[i];
	const struct fate_rcpt *rcpts;
	size_t k, n, n_rcpts, lives, known = 0;

	for (n = 0;
	     at->found + n < g->n_found && g->found[at->found + n].target == i;)
		n++;
	make_room(t, n);
	for (k = 0; k < n; k++)
		t->events[k] = g->found[at->found + k].event;
	at->found += n;
	while (at->known + known < g->n_known &&
	    g->known[at->known + known].target == i)
		known++;
	lives = life_split(target->queue_id, t->events, n, t->lives);
	if (!target->is_long)
		find_wrong(
		    t, target, g->known + at->known, known, t->lives, lives);
	at->known += known;
	for (k = target->context ? 1 : 0; k < lives; k++) {
		n_rcpts = named_of(
		    g, &at->named, i, t->lives[k].born, &t->fold, &rcpts);
		fate_fold(&t->fold, &t->lives[k], target->host,
		    target->queue_id, rcpts, n_rcpts);
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

/* One statement about rows of wrong lives; only the gone ones, if so told. */
static enum mt_rc
about_wrong(struct trail *t, const char *sql, const struct mt_table *table,
    const char *and, bool gone, struct mt_err *err)
{
	const struct target *target;
	size_t i, asked = 0;

	for (i = 0; i < t->n_wrong; i++) {
		if (gone && !t->wrong[i].gone)
			continue;
		if (asked == 0 && table != NULL)
			begin_reset(&t->query, table);
		else if (asked == 0)
			query_begin(&t->query, sql);
		target = &t->gathered.targets[t->wrong[i].life.target];
		query_message(&t->query, "x", t->wrong[i].life.born,
		    target->host, target->queue_id);
		if (++asked < QUERY_MESSAGES && i + 1 < t->n_wrong)
			continue;
		query_add(&t->query, and);
		if (query_do(&t->query, err) != MT_OK)
			return err->rc;
		asked = 0;
	}
	if (asked == 0)
		return MT_OK;
	query_add(&t->query, and);
	return query_do(&t->query, err);
}

static enum mt_rc
undo_wrong(struct trail *t, struct mt_err *err)
{
	const struct mt_table *message = &mt_tables[MT_TABLE_message];
	const struct mt_table *recipient = &mt_tables[MT_TABLE_recipient];

	/* What an offer has made in the meantime stays. */
	if (about_wrong(t, "", message, ")", false, err) != MT_OK ||
	    about_wrong(t, "DELETE x FROM message x WHERE", NULL,
		") AND x.offers + x.recipients + x.marks = 0", true,
		err) != MT_OK ||
	    about_wrong(t, "", recipient, ")", false, err) != MT_OK ||
	    about_wrong(t, "DELETE x FROM recipient x WHERE", NULL,
		") AND x.offered_at IS NULL", false, err) != MT_OK ||
	    about_wrong(t, "DELETE x FROM delivery x WHERE", NULL, ")", false,
		err) != MT_OK)
		return err->rc;
	return about_wrong(
	    t, "DELETE x FROM tie x WHERE", NULL, ")", false, err);
}

/*
 * Recipients that only the log named, under their key, until the offer came and
 * named them as they were written.
 */
static enum mt_rc
drop_renamed(struct trail *t, struct mt_err *err)
{
	const struct gathered *g = &t->gathered;
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
		query_begin(&t->query,
		    "DELETE FROM recipient WHERE born = ? AND host = ? AND "
		    "queue_id = ? AND rcpt = ? AND offered_at IS NULL");
		query_time(&t->query, one->born);
		query_text(&t->query, target->host);
		query_text(&t->query, target->queue_id);
		query_text(&t->query, one->rcpt.rcpt);
		if (query_do(&t->query, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

static enum mt_rc
write_rows(struct trail *t, struct mt_err *err)
{
	size_t i, k;

	fold_finish(&t->fold);
	for (i = 0; i < ORDER_N; i++) {
		const struct fold_rows *rows = &t->fold.tables[order[i]];

		mt_bulk_clear(t->tables[i]);
		for (k = 0; k < rows->n; k++)
			mt_bulk_add(t->tables[i], rows->rows[k]);
		if (mt_bulk_upsert(t->tables[i], NULL, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* What is known of targets of one kind, locked. */
static enum mt_rc
read_all(struct trail *t, struct target *targets, size_t n, struct mt_err *err)
{
	struct place at = { 0 };
	size_t i;

	if (n == 0)
		return MT_OK;
	if ((targets[0].is_long ? lock_messages(t, targets, n, err)
				: lock_slots(t, targets, n, err)) != MT_OK ||
	    gather(&t->gathered, &t->query, targets, n, err) != MT_OK)
		return err->rc;
	for (i = 0; i < n; i++)
		work_out(t, i, &at);
	if (undo_wrong(t, err) != MT_OK)
		return err->rc;
	return drop_renamed(t, err);
}

/* Make the rows of those that nobody knew; returns how many are left. */
static enum mt_rc
make_unseen(struct trail *t, struct target *targets, size_t n, size_t *ret_left,
    struct mt_err *err)
{
	struct fresh fresh = { .message = t->tables[0],
		.fold = &t->fold,
		.targets = targets,
		.n = n,
		.events = t->own };
	size_t i, left = 0;

	if (fresh_make(&fresh, err) != MT_OK)
		return err->rc;
	for (i = 0; i < n; i++)
		if (!targets[i].unseen)
			targets[left++] = targets[i];
	*ret_left = left;
	return MT_OK;
}

/* Targets of one kind, in one transaction. */
static enum mt_rc
follow(struct trail *t, struct target *targets, size_t n, struct mt_err *err)
{
	if (n == 0)
		return MT_OK;
	fold_reset(&t->fold);
	t->n_wrong = 0;
	if (mt_db_exec(t->db, "START TRANSACTION", err) != MT_OK ||
	    (targets[0].is_long &&
		make_unseen(t, targets, n, &n, err) != MT_OK) ||
	    read_all(t, targets, n, err) != MT_OK ||
	    write_rows(t, err) != MT_OK)
		return err->rc;
	return mt_db_exec(t->db, "COMMIT", err);
}

enum mt_rc
trail_follow(struct trail *t, struct mt_err *err)
{
	size_t is_short;
	enum mt_rc rc;

	if (t->n == 0)
		return MT_OK;
	is_short = sort_targets(t);
	rc = follow(t, t->targets, is_short, err);
	if (rc == MT_OK)
		rc = follow(t, t->targets + is_short, t->n - is_short, err);
	if (rc == MT_FORMAT || rc == MT_LIMIT)
		err->rc = rc = MT_CONFIG; /* no single event's fault */
	if (rc != MT_OK)
		mt_err_in(err, "trail");
	return rc;
}
